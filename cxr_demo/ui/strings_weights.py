"""Words of the weights' box, as (English, Portuguese)."""

Pair = tuple[str, str]

WEIGHTS: dict[str, Pair] = {
    "weights.title": ("Weights on this machine", "Pesos nesta máquina"),
    "weights.absent": ("not here", "ausente"),
    "weights.partial": ("partly fetched", "baixado em parte"),
    "weights.verified": ("here, verified", "aqui, verificado"),
    "weights.uncompared": ("here, whole", "aqui, inteiro"),
    "weights.unverified": ("here, not verified", "aqui, não verificado"),
    "weights.altered": ("ALTERED", "ALTERADO"),
    "weights.broken": ("BROKEN", "DANIFICADO"),
    "weights.stand_in": ("STAND-IN, random", "SUBSTITUTO, aleatório"),
    "weights.says.absent": (
        "Nothing of it is on this machine yet.",
        "Nada dele está nesta máquina ainda.",
    ),
    "weights.says.partial": (
        "{come} of {total} are here; the rest goes on from there, also after a restart.",
        "{come} de {total} estão aqui; o resto continua dali, mesmo após reiniciar.",
    ),
    "weights.says.lacking": (
        "{come} are here; missing: {names}.",
        "{come} estão aqui; faltam: {names}.",
    ),
    "weights.says.verified": (
        "Every file ({total}) was read in full and has the hash that its publisher names.",
        "Cada arquivo ({total}) foi lido por inteiro e tem o hash que quem publica indica.",
    ),
    "weights.says.uncompared": (
        "Every file ({total}) is whole; no publisher's hashes came with the copy, so compare them "
        "with those of “Hosts and files”.",
        "Cada arquivo ({total}) está inteiro; a cópia veio sem hashes de quem publica: compare-os "
        "com os de “Servidores e arquivos”.",
    ),
    "weights.says.unverified": (
        "A file was not read in full since it last changed: verify it; loading does so, too.",
        "Um arquivo não foi lido por inteiro desde que mudou: verifique; o carregamento também o "
        "faz.",
    ),
    "weights.says.unrecorded": (
        "{come}, put here by hand: nothing says what the files should be. Fetch compares them.",
        "{come}, colocados aqui à mão: nada diz como deveriam ser. Baixar os compara.",
    ),
    "weights.says.altered": (
        "Not what its publisher or record names: {names}. It is not loaded; fetch it again.",
        "Não é o que indica quem publica ou o registro: {names}. Não é carregado; baixe de novo.",
    ),
    "weights.says.broken": (
        "The record or the index cannot be read: fetch it again.",
        "O registro ou o índice não pode ser lido: baixe de novo.",
    ),
    "weights.says.stand_in": (
        "Random weights in the published layout, for measuring; its text means nothing.",
        "Pesos aleatórios no formato publicado, para medir; o texto não significa nada.",
    ),
    "weights.prepared": ("Prepared", "Preparado"),
    "weights.copies.ready": ("prepared: {precisions}", "preparado: {precisions}"),
    "weights.copy.ready": (
        "{precision}: {size}, read at the next start instead of the published files",
        "{precision}: {size}, lido na próxima carga em vez dos arquivos publicados",
    ),
    "weights.copy.other_weights": (
        "{precision}: {size}, of OTHER weights than those here: prepare it again",
        "{precision}: {size}, de OUTROS pesos que os daqui: prepare de novo",
    ),
    "weights.copy.other_version": (
        "{precision}: {size}, by another version of bitsandbytes: prepare it again",
        "{precision}: {size}, por outra versão do bitsandbytes: prepare de novo",
    ),
    "weights.copy.unfinished": (
        "{precision}: begun, {size} written; preparing goes on from there",
        "{precision}: começado, {size} gravados; preparar continua dali",
    ),
    "weights.copy.broken": (
        "{precision}: BROKEN: prepare it again",
        "{precision}: DANIFICADO: prepare de novo",
    ),
    "weights.folder": ("Folder", "Pasta"),
    "weights.size": ("Download", "Tamanho"),
    "weights.size.counted": (
        "about {size}, counted from its parameters",
        "cerca de {size}, calculados pelos parâmetros",
    ),
    "weights.commit": ("Commit", "Commit"),
    "weights.licence": ("Licence", "Licença"),
    "weights.source": ("From", "De"),
    "weights.gate": ("Gate", "Acesso"),
    "weights.gated": (
        "The publisher asks you to accept the terms first: on the model's page, with your account.",
        "Quem publica pede que os termos sejam aceitos antes, na página do modelo, com sua conta.",
    ),
    "weights.ungated": (
        "No acceptance is asked for, as far as this version knows.",
        "Sem aceite prévio, até onde esta versão sabe.",
    ),
    "weights.command": ("In a terminal", "No terminal"),
    "weights.free": ("{free} free on that disk", "{free} livres nesse disco"),
    "weights.do.fetch": ("Fetch…", "Baixar…"),
    "weights.do.resume": ("Go on fetching…", "Continuar a baixar…"),
    "weights.do.again": ("Fetch again…", "Baixar de novo…"),
    "weights.do.pause": ("Pause", "Pausar"),
    "weights.do.stop": ("Stop", "Parar"),
    "weights.do.verify": ("Verify", "Verificar"),
    "weights.do.import": ("Import a folder…", "Importar uma pasta…"),
    "weights.do.urls": ("Hosts and files…", "Servidores e arquivos…"),
    "weights.do.delete": ("Delete…", "Apagar…"),
    "weights.do.prepare": ("Prepare {precision}", "Preparar {precision}"),
    "weights.do.go_on": ("Go on preparing {precision}", "Continuar a preparar {precision}"),
    "weights.do.delete_copy": ("Delete copy {precision}…", "Apagar cópia {precision}…"),
    "weights.going.fetch": ("Asking the hub", "Consultando o hub"),
    "weights.going.verify": ("Verifying", "Verificando"),
    "weights.going.import": ("Reading the folder", "Lendo a pasta"),
    "weights.going.urls": ("Asking the hub", "Consultando o hub"),
    "weights.going.delete": ("Deleting", "Apagando"),
    "weights.going.prepare": ("Starting", "Iniciando"),
    "weights.badge.fetch": ("fetching", "baixando"),
    "weights.badge.verify": ("verifying", "verificando"),
    "weights.badge.import": ("importing", "importando"),
    "weights.badge.urls": ("asking the hub", "consultando o hub"),
    "weights.badge.delete": ("deleting", "apagando"),
    "weights.badge.prepare": ("preparing", "preparando"),
    "weights.phase.receive": ("Receiving {file}", "Recebendo {file}"),
    "weights.phase.copy": ("Copying {file}", "Copiando {file}"),
    "weights.phase.quantise": ("Quantising {file}", "Quantizando {file}"),
    "weights.phase.verify": ("Verifying {file}", "Verificando {file}"),
    "weights.stopping": ("Stopping", "Parando"),
    "weights.rate": (
        "{done} of {total} · {rate}/s · {time} left",
        "{done} de {total} · {rate}/s · restam {time}",
    ),
    "weights.rateless": ("{done} of {total}", "{done} de {total}"),
    "weights.paused.fetch": (
        "Paused; what came is kept, and fetching goes on from there.",
        "Em pausa; o que chegou foi guardado, e o download continua dali.",
    ),
    "weights.paused.prepare": (
        "Stopped; what was finished is kept, and preparing goes on from there.",
        "Interrompido; o que foi terminado está guardado, e preparar continua dali.",
    ),
    "weights.paused": ("Stopped.", "Interrompido."),
    "weights.done.fetch": ("Fetched and verified in full.", "Baixado e verificado por inteiro."),
    "weights.done.import": (
        "Imported and verified in full.",
        "Importado e verificado por inteiro.",
    ),
    "weights.done.import.uncompared": (
        "Imported; each file was read in full and its hash recorded. No publisher's hashes came "
        "along: compare those that Verify shows with those of “Hosts and files”.",
        "Importado; cada arquivo foi lido por inteiro e seu hash anotado. Não vieram hashes de "
        "quem publica: compare os que Verificar mostra com os de “Servidores e arquivos”.",
    ),
    "weights.done.prepare": (
        "Prepared and verified; the next start in that precision reads {bytes}.",
        "Preparado e verificado; a próxima carga nessa precisão lê {bytes}.",
    ),
    "weights.done.delete": ("Deleted: {bytes}.", "Apagado: {bytes}."),
    "weights.done.verify": (
        "{count} of {count} files are right.",
        "{count} de {count} arquivos estão certos.",
    ),
    "weights.done.verify.uncompared": (
        "{count} of {count} files are as they were when imported; no publisher's hashes came.",
        "{count} de {count} arquivos estão como ao importar; não vieram hashes de quem publica.",
    ),
    "weights.wrong.verify": (
        "Not right: {names}.",
        "Errados: {names}.",
    ),
    "weights.token": (
        "Where the token goes: run `hf auth login` in a terminal of this account, then press Fetch "
        "again; the app needs no restart for that. With HF_TOKEN instead, start the app anew.",
        "Onde vai o token: execute `hf auth login` em um terminal desta conta e clique de novo em "
        "Baixar; não é preciso reiniciar. Com HF_TOKEN, reinicie o aplicativo.",
    ),
    "weights.environment": (
        "These variables are read when the app starts: set them, then start the app anew.",
        "Essas variáveis são lidas quando o aplicativo inicia: defina-as e reinicie-o.",
    ),
    "weights.online": (
        "This goes online, and only when you press the button: a process of its own asks {host} "
        "for the list of files and fetches them. No image, text or file of this machine is sent; "
        "{host} gets your account's token, if there is one.",
        "Isto usa a internet, e só quando você clicar: um processo à parte pede a {host} a lista "
        "de arquivos e os baixa. Nenhuma imagem, texto ou arquivo desta máquina é enviado; {host} "
        "recebe o token da sua conta, se houver.",
    ),
    "weights.urls.title": (
        "{name}: for the network team",
        "{name}: para a equipe de rede",
    ),
    "weights.urls.hosts": ("Hosts (HTTPS, port 443):", "Servidores (HTTPS, porta 443):"),
    "weights.urls.hidden": (
        "The storage host is told only to accounts that accepted the terms: {why}",
        "O servidor de armazenamento só é informado a contas que aceitaram os termos: {why}",
    ),
    "weights.urls.vary": (
        "Storage hosts change with place and time. Their publisher's current list: {page}",
        "Os servidores de armazenamento mudam conforme lugar e época. Lista atual: {page}",
    ),
    "weights.urls.files": (
        "Files (bytes, hash, address):",
        "Arquivos (bytes, hash, endereço):",
    ),
    "weights.file.right": ("right", "certo"),
    "weights.file.right.uncompared": ("as imported", "como importado"),
    "weights.file.right.copy": ("as prepared", "como preparado"),
    "weights.file.altered": ("ALTERED", "ALTERADO"),
    "weights.file.missing": ("MISSING", "AUSENTE"),
    "weights.file.unrecorded": ("NOT VERIFIED: no record", "NÃO VERIFICADO: sem registro"),
    "weights.file.unlisted": ("not in the record", "fora do registro"),
}
