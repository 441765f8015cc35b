"""Errors of CheXbert. No torch here: the app's process tells them too."""

from cxr_demo.errors import ModelError


class CheXbertMissing(ModelError):
    """A file that CheXbert needs is not in its folder."""

    code = "chexbert_missing"
    en = (
        "CheXbert cannot run, {missing} is not there: put chexbert.pth and the tokenizer files of "
        "bert-base-uncased into {folder}."
    )
    pt = (
        "O CheXbert não pode rodar, falta {missing}: coloque chexbert.pth e os arquivos do "
        "tokenizador bert-base-uncased em {folder}."
    )


class CheXbertUnreadable(ModelError):
    """`chexbert.pth` is damaged, or holds something else than a checkpoint."""

    code = "chexbert_unreadable"
    en = "The file chexbert.pth is damaged or no checkpoint of CheXbert: fetch it again."
    pt = "O arquivo chexbert.pth está danificado ou não é do CheXbert: baixe-o de novo."


class CheXbertWrongTensors(ModelError):
    """`chexbert.pth` holds the tensors of another network."""

    code = "chexbert_wrong_tensors"
    en = (
        "The file chexbert.pth belongs to another network ({count} tensors differ, the first is "
        "{first}): fetch CheXbert's."
    )
    pt = (
        "O arquivo chexbert.pth é de outra rede ({count} tensores diferem, o primeiro é {first}): "
        "baixe o do CheXbert."
    )


class CheXbertWrongTokenizer(ModelError):
    """The tokenizer files are not those of bert-base-uncased."""

    code = "chexbert_wrong_tokenizer"
    en = (
        "The tokenizer beside chexbert.pth is not that of bert-base-uncased: replace its files "
        "(vocab.txt, tokenizer_config.json, tokenizer.json)."
    )
    pt = (
        "O tokenizador ao lado de chexbert.pth não é o do bert-base-uncased: troque os arquivos "
        "(vocab.txt, tokenizer_config.json, tokenizer.json)."
    )


class CheXbertNoDevice(ModelError):
    """The device that was named is not there."""

    code = "chexbert_no_device"
    en = (
        "CheXbert cannot use the device {device} here: name cpu, or cuda if there is an NVIDIA GPU."
    )
    pt = (
        "O CheXbert não pode usar aqui o dispositivo {device}: indique cpu, ou cuda se há uma GPU "
        "NVIDIA."
    )
