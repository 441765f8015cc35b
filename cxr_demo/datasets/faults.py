"""Why a data set cannot be used: leaves of `CxrError`, one clear sentence per language.

    DatasetError
    ├── DatasetNotFound     no table of this data set below the folder
    ├── TableMissing        one of its tables is not there
    ├── ColumnsMissing      a table of another version, or changed by hand
    ├── TableUnreadable     a table that breaks off or is no text
    ├── TableDamaged        a row that makes no sense
    ├── PoolTooSmall        fewer images than were asked for
    └── FolderInUse         phantoms would be written over something else

Parameters are the data set's own file and column names and row numbers, never a cell's value: rows
name patients.
"""

from cxr_demo.errors import CxrError


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
