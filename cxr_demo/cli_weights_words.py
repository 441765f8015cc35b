"""What `python -m cxr_demo weights` says, in English and in Portuguese."""

WORDS: dict[str, tuple[str, str]] = {
    "installed": ("installed", "instalado"),
    "partial": ("not complete", "incompleto"),
    "broken": ("BROKEN: fetch it again", "DANIFICADO: baixe de novo"),
    "absent": ("not here", "ausente"),
    "licence": ("Licence", "Licença"),
    "gated": (
        "the publisher asks you to accept the terms first",
        "quem publica pede que os termos sejam aceitos antes",
    ),
    "commit": ("commit", "commit"),
    "pinned": (
        "{repo}: `main` is {commit} now; this commit is recorded and used from now on.",
        "{repo}: `main` é agora {commit}; este commit fica registrado e vale daqui em diante.",
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
    "uncompared": (
        "No publisher's hashes came along: compare those of `weights verify {model}` with those of "
        "`weights urls {model}` on a connected machine.",
        "Não vieram hashes de quem publica: compare os de `weights verify {model}` com os de "
        "`weights urls {model}` em uma máquina conectada.",
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
    "altered": ("ALTERED: fetch it again", "ALTERADO: baixe de novo"),
    "missing": ("MISSING: fetch it again", "AUSENTE: baixe de novo"),
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
