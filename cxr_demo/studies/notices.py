"""The sentences of the notices that `studies` attaches to a radiograph: true, short, and visible
as long as the radiograph and any report about it are."""

from cxr_demo.records import Notice

NOTICES: dict[str, tuple[str, str]] = {
    "lateral": (
        "Lateral view: the models are made for frontal views, so expect a worse report.",
        "Incidência em perfil: os modelos são feitos para a frontal; espere um laudo pior.",
    ),
    "view_unknown": (
        "The file does not say which view this is: check that it is frontal.",
        "O arquivo não diz qual é a incidência: verifique se é frontal.",
    ),
    "view_unusual": (
        "Oblique or unusual view: the models are made for frontal views.",
        "Incidência oblíqua ou incomum: os modelos são feitos para a frontal.",
    ),
    "orientation": (
        "By its tags this image is turned or mirrored: compare with the side marker.",
        "Segundo os metadados, esta imagem está girada ou espelhada: confira o marcador de lado.",
    ),
    "body_part_unknown": (
        "The file does not say which part of the body this is: check that it is the chest.",
        "O arquivo não diz qual é a parte do corpo: verifique se é o tórax.",
    ),
    "body_part_near": (
        "The file names {part}, not the chest: check that the whole chest is shown.",
        "O arquivo indica {part}, não tórax: verifique se o tórax inteiro aparece.",
    ),
    "modality_unusual": (
        "The file is marked {modality}, not as a radiograph (CR or DX): check the image.",
        "O arquivo está marcado como {modality}, não como radiografia (CR ou DX): confira.",
    ),
    "modality_unknown": (
        "The file does not say, in a known word, what device made it: check the image.",
        "O arquivo não diz, em termo conhecido, que aparelho o fez: confira a imagem.",
    ),
    "untagged": (
        "PNG or JPEG, without DICOM tags: check that this is a frontal chest radiograph, and that "
        "no name is written on it.",
        "PNG ou JPEG, sem metadados DICOM: confira se é uma radiografia de tórax frontal e se não "
        "há nome escrito na imagem.",
    ),
    "colour_marks": (
        "A few coloured marks were turned grey: this may be a screenshot or an annotated copy.",
        "Algumas marcas coloridas viraram cinza: pode ser captura de tela ou cópia anotada.",
    ),
    "colour_saved_grey": (
        "A grey image saved in colour: a copy, perhaps with less contrast than the original.",
        "Imagem cinza salva em cores: é uma cópia, talvez com menos contraste que a original.",
    ),
    "screenshot": (
        "Large areas are of exactly one grey: this may be a screenshot or a drawing.",
        "Há áreas grandes de um único cinza: pode ser captura de tela ou desenho.",
    ),
    "small": (
        "Only {columns} x {rows} pixels: fine findings cannot be seen in it.",
        "Apenas {columns} x {rows} pixels: achados finos não são visíveis.",
    ),
    "for_processing": (
        "Raw detector data, not yet processed for reading: ask for the processed image.",
        "Dados brutos do detector, ainda não processados para leitura: peça a imagem processada.",
    ),
    "lossy": (
        "The image was compressed with loss before it came here.",
        "A imagem foi comprimida com perdas antes de chegar aqui.",
    ),
    "annotation_yes": (
        "The file says that text is burned into the image: a patient's name may be readable.",
        "O arquivo diz que há texto gravado na imagem: o nome do paciente pode estar legível.",
    ),
    "annotation_unknown": (
        "The file does not say whether text is burned into the image: look before sharing it.",
        "O arquivo não diz se há texto gravado na imagem: olhe antes de compartilhar.",
    ),
    "window_invalid": (
        "A window or look-up table in the file is invalid and was left out.",
        "Uma janela ou tabela do arquivo é inválida e foi ignorada.",
    ),
    "window_unusable": (
        "The file's own window shows next to nothing: the full range is shown first.",
        "A janela do próprio arquivo quase nada mostra: a faixa completa vem primeiro.",
    ),
    "file_lut_ignored": (
        "The file's own window or table was left out: the full range is shown and given to models.",
        "A janela ou tabela do arquivo foi ignorada: a faixa completa é exibida e dada aos "
        "modelos.",
    ),
    "rescale_invalid": (
        "The file's rescale is invalid and was left out: its values are the stored ones.",
        "A conversão de valores do arquivo é inválida e foi ignorada: valem os armazenados.",
    ),
    "files_skipped": (
        "Files of this study that are no chest radiographs were left out: {count}.",
        "Arquivos deste estudo que não são radiografias de tórax ficaram de fora: {count}.",
    ),
}
"""Code -> (English, Portuguese), templates for the notice's own parameters."""


def sentence(notice: Notice, language: str = "en") -> str:
    """The sentence of `notice` in `language` ("pt" or "en"); raises KeyError for a foreign code."""
    english, portuguese = NOTICES[notice.code]
    return (portuguese if language == "pt" else english).format(**notice.params)
