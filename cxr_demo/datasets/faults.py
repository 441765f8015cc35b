"""Why a data set cannot be used: leaves of `CxrError`, one clear sentence per language.

    DatasetError
    ├── DatasetNotFound     no table of this data set below the folder
    ├── TableMissing        one of its tables is not there
    ├── ColumnsMissing      a table of another version, or changed by hand
    ├── TableUnreadable     a table that breaks off or is no text
    ├── TableDamaged        a row that makes no sense
    ├── OwnTableMissing     the hospital's own folder has no table, or several
    ├── OwnColumnsMissing   its table lacks columns
    ├── OwnTableDamaged     a row of it that makes no sense
    ├── NoImages            a table without rows, or none of its images is there
    ├── PoolTooSmall        fewer images than were asked for
    └── FolderInUse         phantoms would be written over something else

Parameters are the data set's own file and column names and row numbers, never a cell's value: rows
name patients.
"""

from typing import ClassVar

from cxr_demo.errors import CxrError
from cxr_demo.findings import Finding


class DatasetError(CxrError):
    """The data set cannot be used."""

    code = "dataset"
    en = "The data set {dataset} cannot be used: {detail}. Check the folder."
    pt = "O conjunto de dados {dataset} não pode ser usado: {detail}. Confira a pasta."


class DatasetNotFound(DatasetError):
    """None of the data set's tables lies in the folder or where its download would put it."""

    code = "dataset_not_found"
    en = "{dataset} is not in this folder: choose the one that holds {tables}."
    pt = "{dataset} não está nesta pasta: escolha a que contém {tables}."


class TableMissing(DatasetError):
    """A table that is needed is not there, though another one is."""

    code = "dataset_table_missing"
    en = "{dataset} is not complete, {table} is missing: put it into its folder."
    pt = "{dataset} não está completo, falta {table}: coloque-o em sua pasta."


class ColumnsMissing(DatasetError):
    """A table without the columns that it should have; `columns` lists them, by our names."""

    code = "dataset_columns_missing"
    en = "{table} of {dataset} has no column {columns}: fetch it again, or add the columns."
    pt = "{table} de {dataset} não tem a coluna {columns}: baixe-o de novo ou acrescente-a."


class TableUnreadable(DatasetError):
    """A table that is cut off, no text, or not to be opened by this user."""

    code = "dataset_table_unreadable"
    en = "{table} of {dataset} cannot be read to its end: fetch it again, or check its permissions."
    pt = "{table} de {dataset} não pode ser lido até o fim: baixe-o de novo ou veja as permissões."


class TableDamaged(DatasetError):
    """A row that is too short, or with a value that cannot be; rows as a spreadsheet counts."""

    code = "dataset_table_damaged"
    en = "{table} of {dataset} cannot be used (row {row}, {column}): fetch or correct it."
    pt = "{table} de {dataset} não pode ser usado (linha {row}, {column}): baixe-o ou corrija-o."


class OwnTableMissing(DatasetError):
    """No CSV file in the hospital's own folder, or several of which none is `labels.csv`."""

    code = "dataset_own_table_missing"
    en = (
        "There must be one CSV table in this folder, or one that is called labels.csv, with the "
        "columns path, patient and the 14 findings; {tables} CSV files are there."
    )
    pt = (
        "Deve haver uma tabela CSV nesta pasta, ou uma chamada labels.csv, com as colunas caminho, "
        "paciente e os 14 achados; há {tables} arquivos CSV."
    )


class OwnColumnsMissing(DatasetError):
    """The hospital's own table lacks columns; `columns` are our names of them."""

    code = "dataset_own_columns_missing"
    en = "The CSV table in this folder lacks columns: {columns}; add what is missing."
    pt = "Faltam colunas na tabela CSV desta pasta: {columns}; acrescente o que falta."
    _NONE = (
        "The first row of the CSV table in this folder must name its columns: path, patient and "
        "the 14 findings; none of them is there.",
        "A primeira linha da tabela CSV desta pasta deve dar nome às colunas: caminho, paciente e "
        "os 14 achados; nenhum está lá.",
    )

    _PT: ClassVar[dict[str, str]] = {"path": "caminho", "patient": "paciente"} | {
        each.value: each.pt for each in Finding
    }

    def message(self, language: str = "en") -> str:
        """One sentence, with the columns as they may stand in a table of this language."""
        names = self.params["columns"]
        if len(names) == len(self._PT):
            return self._NONE[language == "pt"]
        told = [self._PT.get(each, each) for each in names] if language == "pt" else names
        template = self.pt if language == "pt" else self.en
        return template.format(columns=", ".join(told))


class OwnTableDamaged(DatasetError):
    """A row of the hospital's own table; `column` as the table heads it, "" if it is the whole row,
    `why` one of `REASONS`."""

    code = "dataset_own_table_damaged"
    en = "The CSV table in this folder cannot be used: row {row}{column}: {why}."
    pt = "A tabela CSV desta pasta não pode ser usada: linha {row}{column}: {why}."

    REASONS: ClassVar[dict[str, tuple[str, str]]] = {
        "label": (
            "a label is 1 (present), 0 (absent), -1 (uncertain) or blank",
            "um rótulo é 1 (presente), 0 (ausente), -1 (incerto) ou vazio",
        ),
        "path": (
            "write the file's path below this folder, as in images/a.dcm",
            "escreva o caminho do arquivo a partir desta pasta, como em imagens/a.dcm",
        ),
        "twice": (
            "an earlier row has the same image; the extension makes no difference",
            "uma linha anterior tem a mesma imagem; a extensão não faz diferença",
        ),
        "blank": ("it must not be blank", "não pode ficar vazia"),
        "short": ("the row has too few cells", "a linha tem células de menos"),
        "long": (
            "the row has more cells than the first one; write cells with a comma in quotes",
            "a linha tem mais células que a primeira; ponha entre aspas células com vírgula",
        ),
        "two": ("this column is there twice", "esta coluna aparece duas vezes"),
        "csv": ("this is not CSV text", "isto não é texto CSV"),
    }

    def message(self, language: str = "en") -> str:
        """One sentence that says what would have been right."""
        why = self.params["why"]
        why = self.REASONS.get(why, (why, why))[language == "pt"]
        template = self.pt if language == "pt" else self.en
        column = self.params["column"]
        if column:
            column = f", {'coluna' if language == 'pt' else 'column'} {column}"
        return template.format(**{**self.params, "column": column, "why": why})


class NoImages(DatasetError):
    """The draw is empty, or none of its images lies where the table says."""

    code = "dataset_no_images"
    en = "There is nothing to read: the tables name {images} images, and none of them is there."
    pt = "Não há o que ler: as tabelas indicam {images} imagens, e nenhuma está na pasta."


class PoolTooSmall(DatasetError):
    """A draw asks for more images than a data set has."""

    code = "dataset_pool_too_small"
    en = "{dataset} has {there} images to draw from and {wanted} are asked for: ask for fewer."
    pt = "{dataset} tem {there} imagens para o sorteio e pedem-se {wanted}: peça menos."


class FolderInUse(DatasetError):
    """The folder for phantoms holds files that are not of phantoms."""

    code = "dataset_folder_in_use"
    en = "This folder already holds other files: choose an empty one for the phantoms."
    pt = "Esta pasta já contém outros arquivos: escolha uma vazia para os fantomas."
