"""What `python -m cxr_demo weights` says, in English and in Portuguese."""

import argparse

from cxr_demo.ui.about_text import LICENCES_PT
from cxr_demo.weights.sources import Package

WORDS: dict[str, tuple[str, str]] = {
    "verified": ("installed, verified, {total}", "instalado, verificado, {total}"),
    "uncompared": (
        "installed, {total}, whole; no publisher's hashes",
        "instalado, {total}, inteiro; sem hashes de quem publica",
    ),
    "unverified": (
        "installed, {total}, not read in full since it changed: `weights verify` does that",
        "instalado, {total}, não lido por inteiro desde que mudou: `weights verify` faz isso",
    ),
    "unlisted_here": (
        "installed, {come}, by hand: no record says what its files should be",
        "instalado, {come}, à mão: nenhum registro diz como deveriam ser os arquivos",
    ),
    "stand_in": ("STAND-IN with random weights, {come}", "SUBSTITUTO com pesos aleatórios, {come}"),
    "changed": ("ALTERED ({names}): fetch it again", "ALTERADO ({names}): baixe de novo"),
    "partial": (
        "not complete, {come} of {total}: `weights fetch` goes on",
        "incompleto, {come} de {total}: `weights fetch` continua",
    ),
    "lacking": ("not complete, missing: {names}", "incompleto, faltam: {names}"),
    "broken": ("BROKEN: fetch it again", "DANIFICADO: baixe de novo"),
    "absent": ("not here", "ausente"),
    "licence": ("Licence", "Licença"),
    "gated": (
        "the publisher asks you to accept the terms first",
        "quem publica pede que os termos sejam aceitos antes",
    ),
    "commit": ("commit", "commit"),
    "to_fetch": ("commit of a fetch", "commit do download"),
    "pinned": (
        "{repo}: `main` is {commit} now; the fetch takes this commit and records it.",
        "{repo}: `main` é agora {commit}; é este commit que se baixa e fica registrado.",
    ),
    "to_come": (
        "{missing} of {total} to fetch into {folder}",
        "baixar {missing} de {total} em {folder}",
    ),
    "receive": ("receiving", "recebendo"),
    "copy": ("copying", "copiando"),
    "verify": ("verifying", "verificando"),
    "left": ("left", "restantes"),
    "done": (
        "{name}: {count} files, {total}, each verified in full by its hash.",
        "{name}: {count} arquivos, {total}, cada um verificado por inteiro pelo hash.",
    ),
    "taken": (
        "{name}: {count} files, {total}, each copied, read in full and its hash recorded.",
        "{name}: {count} arquivos, {total}, copiados e lidos por inteiro, com o hash anotado.",
    ),
    "compare": (
        "No publisher's hashes came along: compare those of `weights verify {model}` with those of "
        "`weights urls {model}` on a connected machine.",
        "Não vieram hashes de quem publica: compare os de `weights verify {model}` com os de "
        "`weights urls {model}` em uma máquina conectada.",
    ),
    "stopped": ("Stopped.", "Parado."),
    "stopped_import": (
        "Stopped; the half copy was taken away: the same command begins anew.",
        "Parado; a cópia pela metade foi apagada: o mesmo comando começa de novo.",
    ),
    "stopped_verify": (
        "Stopped before every file was read.",
        "Parado antes de ler todos os arquivos.",
    ),
    "quantise": ("quantising", "quantizando"),
    "prepared": (
        "{name} in {precision}: {total} in {folder}, verified in full; later loads use it.",
        "{name} em {precision}: {total} em {folder}, verificados por inteiro; os próximos usos "
        "carregam daqui.",
    ),
    "copy_ready": ("prepared {precision}: {total}", "preparado {precision}: {total}"),
    "copy_other_weights": (
        "prepared {precision}: {total}, of OTHER weights than those here: prepare it again",
        "preparado {precision}: {total}, de OUTROS pesos que os daqui: prepare de novo",
    ),
    "copy_other_version": (
        "prepared {precision}: {total}, by another version of bitsandbytes: prepare it again",
        "preparado {precision}: {total}, por outra versão do bitsandbytes: prepare de novo",
    ),
    "copy_begun": (
        "begun in {precision}, not finished: {total}; `prepare` goes on, `delete` takes it away",
        "começado em {precision}, não terminado: {total}; `prepare` continua, `delete` apaga",
    ),
    "copy_broken": (
        "prepared {precision}: BROKEN: prepare it again",
        "preparado {precision}: DANIFICADO: prepare de novo",
    ),
    "right": ("right", "certo"),
    "right_uncompared": (
        "as imported; no publisher's hash",
        "como importado; sem hash de quem publica",
    ),
    "right_copy": ("as prepared", "como preparado"),
    "all_right": (
        "{name}: {count} of {count} files are as they should be.",
        "{name}: {count} de {count} arquivos estão como deveriam.",
    ),
    "not_right": (
        "{name}: {count} of {all} files are as they should be; the others stand above.",
        "{name}: {count} de {all} arquivos estão como deveriam; os outros estão acima.",
    ),
    "altered": ("ALTERED: fetch it again", "ALTERADO: baixe de novo"),
    "missing": ("MISSING: fetch it", "AUSENTE: baixe"),
    "altered_copy": ("ALTERED: prepare it again", "ALTERADO: prepare de novo"),
    "missing_copy": ("MISSING: prepare it again", "AUSENTE: prepare de novo"),
    "unrecorded": ("NOT VERIFIED: no record", "NÃO VERIFICADO: sem registro"),
    "unlisted": ("not in the record", "fora do registro"),
    "deleted": ("{name}: {total} deleted from {folder}", "{name}: {total} apagados de {folder}"),
    "hosts": ("Hosts (HTTPS, port 443):", "Servidores (HTTPS, porta 443):"),
    "hidden": (
        "The storage host is told only to accounts that accepted the terms: {why}",
        "O servidor de armazenamento só é informado a contas que aceitaram os termos: {why}",
    ),
    "vary": (
        "Storage hosts change with place and time. Their publisher's current list: {page}",
        "Os servidores de armazenamento mudam conforme lugar e época. Lista atual: {page}",
    ),
    "files": ("Files (bytes, hash, address):", "Arquivos (bytes, hash, endereço):"),
}


def say(key: str, arguments: argparse.Namespace, **values: object) -> str:
    """The words of `key` in the language that the user wants."""
    return WORDS[key][arguments.language == "pt"].format(**values)


def licence(each: Package, arguments: argparse.Namespace) -> str:
    """Licence, address, note and gate of `each`, in one line."""
    known = LICENCES_PT if arguments.language == "pt" else {}
    name, note = (known.get(text, text) for text in (each.licence.name, each.licence.note))
    gate = say("gated", arguments) if each.licence.gated else ""
    parts = [f"{say('licence', arguments)}: {name}", each.licence.url, note, gate]
    return " · ".join(part for part in parts if part)
