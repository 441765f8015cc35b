"""Why a file does not open: leaves of `StudyError`, one clear sentence per language.

    StudyError
    ├── the file      EmptyFile, FileUnreadable, FileTooLarge, UnknownFormat, FileDamaged
    ├── the archive   ArchiveRefused, NothingToOpen, SeveralStudies
    ├── the pixels    NoPixels, SyntaxUnsupported, DepthUnsupported, SeveralFrames, TooManyPixels,
    │                 SizesDisagree, ConstantImage
    ├── the subject   WrongModality, WrongBodyPart, ColourPicture
    └── the limits    DecodingTooLong, DecodingTooLarge, DecoderEnded

Parameters are sizes, DICOM's own defined words and names of compressions, never text that someone
typed into the file, and never its name. Where another library's error lies behind one of these,
it is raised `from None`: such errors quote the values that they stumbled over.
"""

from cxr_demo.errors import StudyError


class EmptyFile(StudyError):
    """Zero bytes, or nothing but zero bytes."""

    code = "study_empty"
    en = "This file is empty: export it again from where it came."
    pt = "Este arquivo está vazio: exporte-o de novo da origem."


class FileUnreadable(StudyError):
    """The operating system does not give the file."""

    code = "study_unreadable"
    en = "This file cannot be read: check that it exists and that you may open it."
    pt = "Este arquivo não pôde ser lido: verifique se existe e se você pode abri-lo."


class FileTooLarge(StudyError):
    """More bytes than the limit, before anything is read."""

    code = "study_file_too_large"
    en = "This file has {size}, more than the {limit} that a radiograph needs: open another file."
    pt = (
        "Este arquivo tem {size}, mais do que os {limit} que uma radiografia exige: "
        "abra outro arquivo."
    )


class UnknownFormat(StudyError):
    """Neither DICOM nor PNG nor JPEG nor a zip of these, judged by content."""

    code = "study_unknown_format"
    en = "This is not a DICOM, PNG or JPEG image, whatever its name says: open the image itself."
    pt = "Isto não é uma imagem DICOM, PNG ou JPEG, diga o nome o que disser: abra a imagem em si."


class FileDamaged(StudyError):
    """It began as a known format and then broke off or contradicted itself."""

    code = "study_damaged"
    en = "This {format} file is damaged or cut short: copy or export it again from its source."
    pt = (
        "Este arquivo {format} está danificado ou incompleto: copie ou exporte-o de novo da origem."
    )


class ArchiveRefused(StudyError):
    """A zip with a password, or one that holds or unpacks to far too much."""

    code = "study_archive"
    en = "This zip was not unpacked (it has a password, or far too much in it): unpack it yourself."
    pt = "Este zip não foi aberto (tem senha, ou conteúdo demais): descompacte-o você mesmo."


class NothingToOpen(StudyError):
    """A folder or zip without a single image."""

    code = "study_nothing_inside"
    en = "There is no DICOM, PNG or JPEG image in this folder or zip: choose another one."
    pt = "Não há imagem DICOM, PNG ou JPEG nesta pasta ou zip: escolha outra."


class SeveralStudies(StudyError):
    """A folder or zip of many studies was opened as if it were one."""

    code = "study_several"
    en = "There are {count} studies here: open them as a list, or choose one of them."
    pt = "Há {count} estudos aqui: abra-os como lista, ou escolha um deles."


class NoPixels(StudyError):
    """A DICOM object without an image: a report, a presentation state, a header alone."""

    code = "study_no_pixels"
    en = "This DICOM file holds no image, or was cut short before it: open the radiograph itself."
    pt = (
        "Este arquivo DICOM não contém imagem, ou foi cortado antes dela: abra a radiografia em si."
    )


class SyntaxUnsupported(StudyError):
    """A transfer syntax that is refused, by its name in the standard."""

    code = "study_syntax"
    en = (
        "This file's encoding ({syntax}) is not supported: "
        "export it uncompressed or as JPEG 2000 lossless."
    )
    pt = (
        "A codificação deste arquivo ({syntax}) não é suportada: "
        "exporte-o sem compressão ou em JPEG 2000 sem perdas."
    )


class DepthUnsupported(StudyError):
    """Bits per pixel that no radiograph has (1, 32, floating point)."""

    code = "study_depth"
    en = "This image has {bits} bits per pixel, and radiographs have 8 to 16: open the original."
    pt = "Esta imagem tem {bits} bits por pixel, e radiografias têm de 8 a 16: abra a original."


class SeveralFrames(StudyError):
    """A film, a tomosynthesis or a stack."""

    code = "study_frames"
    en = "This file holds {frames} frames, not one radiograph: open a single radiograph."
    pt = "Este arquivo contém {frames} quadros, não uma radiografia: abra uma única radiografia."


class TooManyPixels(StudyError):
    """More pixels than any detector has; refused from the header, before decoding."""

    code = "study_too_many_pixels"
    en = "This image claims {columns} x {rows} pixels, too many for a radiograph: open another."
    pt = "Esta imagem declara {columns} x {rows} pixels, demais para uma radiografia: abra outra."


class SizesDisagree(StudyError):
    """The header says one size and the compressed image, or its number of bytes, another."""

    code = "study_sizes_disagree"
    en = "The size in this file's header is not the size of its image: export it again."
    pt = "O tamanho no cabeçalho deste arquivo não é o da imagem: exporte-o de novo."


class ConstantImage(StudyError):
    """All pixels alike, or nearly: a blank image, or a decoder that failed in silence."""

    code = "study_constant"
    en = "This image is blank (one single value everywhere): export it again from its source."
    pt = "Esta imagem está em branco (um só valor em toda parte): exporte-a de novo da origem."


class WrongModality(StudyError):
    """CT, MR, ultrasound and so on."""

    code = "study_modality"
    en = "This is a {modality} image, not a radiograph: open a chest radiograph (CR or DX)."
    pt = "Esta é uma imagem {modality}, não uma radiografia: abra um raio X de tórax (CR ou DX)."


class WrongBodyPart(StudyError):
    """A radiograph of something else, by its tags."""

    code = "study_body_part"
    en = "This radiograph shows another part of the body ({part}): open a chest radiograph."
    pt = "Esta radiografia mostra outra parte do corpo ({part}): abra uma radiografia de tórax."


class ColourPicture(StudyError):
    """A photograph or a screen in colour."""

    code = "study_colour"
    en = "This is a colour picture, and radiographs are grey: open the radiograph itself."
    pt = "Esta é uma imagem colorida, e radiografias são cinzas: abra a radiografia em si."


class DecodingTooLong(StudyError):
    """The time limit of the decoding child."""

    code = "study_time"
    en = (
        "Decoding this file took over {seconds} s and was stopped: export it again from its source."
    )
    pt = "Decodificar este arquivo passou de {seconds} s e foi interrompido: exporte-o de novo."


class DecodingTooLarge(StudyError):
    """The memory limit of the decoding child."""

    code = "study_memory"
    en = "Decoding this file needs more memory than allowed: it may be damaged, export it again."
    pt = "Decodificar este arquivo exige memória demais: pode estar danificado, exporte-o de novo."


class DecoderEnded(StudyError):
    """The decoding child ended, or answered with something that is no answer."""

    code = "study_decoder_ended"
    en = "This file made the decoder fail, and it was stopped: it may be damaged, export it again."
    pt = "Este arquivo fez o decodificador falhar: pode estar danificado, exporte-o de novo."


class TooFewPixels(StudyError):
    """A thumbnail or an icon."""

    code = "study_too_few_pixels"
    en = "This image has only {columns} x {rows} pixels: open the radiograph itself."
    pt = "Esta imagem tem apenas {columns} x {rows} pixels: abra a radiografia em si."


class FolderTooLarge(StudyError):
    """More files than the app looks through."""

    code = "study_folder"
    en = "This folder holds more than {limit} files: choose a folder further down."
    pt = "Esta pasta contém mais de {limit} arquivos: escolha uma subpasta."
