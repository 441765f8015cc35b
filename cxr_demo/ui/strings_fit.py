"""Words of the screen "Will it fit?" and of the picker, as (English, Portuguese)."""

Pair = tuple[str, str]

FIT: dict[str, Pair] = {
    "tab.fit": ("Will it fit?", "Cabe na minha GPU?"),
    "fit.this": ("GPU {index} · {name}", "GPU {index} · {name}"),
    "fit.memory": (
        "{free} of {total} free",
        "{free} de {total} livres",
    ),
    "fit.typed_memory": (
        "{total} card, {free} left beside driver and desktop; taken as of compute capability 8.0 "
        "or above",
        "placa de {total}, sobram {free} além do driver e do sistema; suposta de compute "
        "capability 8.0 ou maior",
    ),
    "fit.no_gpu": (
        "No NVIDIA GPU here: compared with the main memory that is free ({free} of {total}). On "
        "the processor every model is slow.",
        "Sem GPU NVIDIA aqui: comparado com a memória principal livre ({free} de {total}). No "
        "processador todo modelo é lento.",
    ),
    "fit.processor": ("Processor · slow", "Processador · lento"),
    "fit.capability": ("compute capability {found}", "compute capability {found}"),
    "fit.advice": ("Advice", "Recomendação"),
    "fit.column.model": ("Model · weights", "Modelo · pesos"),
    "fit.column.precision": ("Precision", "Precisão"),
    "fit.column.load": ("Load", "Carga"),
    "fit.column.prefill": ("Image", "Imagem"),
    "fit.column.decode": ("512 tok.", "512 tok."),
    "fit.column.bar": ("Needed against free", "Necessário × livre"),
    "fit.column.verdict": ("Here", "Aqui"),
    "fit.column.verdict.typed": ("That card", "Nessa placa"),
    "fit.column.smallest": ("Card", "Placa"),
    "fit.column.basis": ("Source", "Origem"),
    "fit.tip.load": (
        "Highest memory while the weights are loaded, in GiB",
        "Maior memória enquanto os pesos são carregados, em GiB",
    ),
    "fit.tip.prefill": (
        "Highest memory while one image and its prompt are taken in, in GiB",
        "Maior memória enquanto uma imagem e o prompt são lidos, em GiB",
    ),
    "fit.tip.decode": (
        "Highest memory while 512 tokens are written, in GiB",
        "Maior memória enquanto 512 tokens são escritos, em GiB",
    ),
    "fit.tip.smallest": (
        "Smallest class of cards that holds it beside driver and desktop",
        "Menor classe de placa que o comporta além do driver e do sistema",
    ),
    "fit.tip.basis": (
        "Estimated from the shapes of the tensors, or measured, and on which GPU",
        "Estimado pelas dimensões dos tensores, ou medido, e em qual GPU",
    ),
    "fit.legend.estimate": ("estimated", "estimado"),
    "fit.legend.measured": ("measured", "medido"),
    "fit.legend.free": ("free {free}", "livre {free}"),
    "fit.legend.scale": ("0 to {scale} GiB", "0 a {scale} GiB"),
    "fit.smallest": ("{size} GB", "{size} GB"),
    "fit.smallest.none": ("> {size} GB", "> {size} GB"),
    "fit.barred": ("not on this GPU", "não nesta GPU"),
    "fit.basis.here": ("measured here", "medido aqui"),
    "fit.detail.load": ("While loading", "Ao carregar"),
    "fit.detail.prefill": ("One image", "Uma imagem"),
    "fit.detail.decode": ("512 tokens", "512 tokens"),
    "fit.detail.smallest": ("Smallest card", "Menor placa"),
    "fit.detail.basis": ("Source", "Origem"),
    "fit.detail.estimate": ("Estimate was", "Estimativa era"),
    "fit.detail.ttft": ("First token", "Primeiro token"),
    "fit.detail.tpot": ("Per token", "Por token"),
    "fit.measured_at": ("{basis}, {day}", "{basis}, {day}"),
    "fit.measure": ("Measure on this GPU", "Medir nesta GPU"),
    "fit.measure.note": (
        "Builds the model at its true size with random weights on this GPU: no download, a few "
        "minutes. The model that is loaded leaves the GPU meanwhile.",
        "Monta o modelo em tamanho real, com pesos aleatórios, nesta GPU: sem baixar nada, alguns "
        "minutos. O modelo carregado sai da GPU enquanto isso.",
    ),
    "fit.measure.no_gpu": (
        "Measuring needs an NVIDIA GPU in this machine; the figures above are not its own.",
        "Medir exige uma GPU NVIDIA nesta máquina; os números acima não são dela.",
    ),
    "fit.measure.typed": (
        "Only a GPU in this machine can be measured; choose it above.",
        "Só uma GPU desta máquina pode ser medida; escolha-a acima.",
    ),
    "fit.measure.other": (
        "Only the GPU that the app uses can be measured: {name}.",
        "Só a GPU que o aplicativo usa pode ser medida: {name}.",
    ),
    "fit.measure.busy": (
        "{name} is being measured.",
        "{name} está sendo medido.",
    ),
    "fit.measure.waiting": ("Waiting for the GPU", "Aguardando a GPU"),
    "fit.measure.building": ("Building the model", "Montando o modelo"),
    "fit.measure.reading": ("Reading an image", "Lendo uma imagem"),
    "fit.measure.stop": ("Stop measuring", "Parar a medição"),
    "fit.remaining": ("{time} left", "restam {time}"),
}

MARKS: dict[str, Pair] = {
    "mark.port": (
        "Port not confirmed with real weights",
        "Adaptação não confirmada com pesos reais",
    ),
    "mark.confirm": (
        "With its weights here, confirm it: python -m cxr_demo confirm {id}",
        "Com os pesos aqui, confirme: python -m cxr_demo confirm {id}",
    ),
    "mark.confirmed.stock": (
        "Port confirmed here, {day}: the same tokens as transformers' own generate()",
        "Adaptação confirmada aqui, {day}: os mesmos tokens que o generate() do transformers",
    ),
    "mark.confirmed.run": (
        "Port confirmed here, {day}: the study's F1 lies in the interval of an evaluation",
        "Adaptação confirmada aqui, {day}: o F1 do estudo está no intervalo de uma avaliação",
    ),
    "mark.confirmed.user": (
        "Port confirmed here, {day}, by a user's word",
        "Adaptação confirmada aqui, {day}, por declaração do usuário",
    ),
    "mark.quality": (
        "Quality in 4 bits: not measured here",
        "Qualidade em 4 bits: não medida aqui",
    ),
    "mark.paired": (
        "4 bits less bf16: F1 {difference} [{low}; {high}], n = {images}, here",
        "4 bits menos bf16: F1 {difference} [{low}; {high}], n = {images}, aqui",
    ),
    "mark.paired.computing": (
        "4 bits less bf16: F1 {difference}, n = {images}, here; interval to come",
        "4 bits menos bf16: F1 {difference}, n = {images}, aqui; intervalo a calcular",
    ),
    "picker.open": ("Choose model and precision", "Escolher modelo e precisão"),
    "picker.slow": ("slow", "lento"),
    "picker.missing": ("not on this machine · get it", "não está nesta máquina · obter"),
    "picker.partial": ("partly fetched · go on", "baixado em parte · continuar"),
    "picker.altered": ("files altered · see", "arquivos alterados · ver"),
    "room.missing": (
        "{name} is not on this machine.",
        "{name} não está nesta máquina.",
    ),
}

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
    "weights.done.prepare": (
        "Prepared and verified; the next start in that precision reads {bytes}.",
        "Preparado e verificado; a próxima carga nessa precisão lê {bytes}.",
    ),
    "weights.done.delete": ("Deleted: {bytes}.", "Apagado: {bytes}."),
    "weights.done.verify": (
        "{count} of {count} files are right.",
        "{count} de {count} arquivos estão certos.",
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
    "weights.file.altered": ("ALTERED", "ALTERADO"),
    "weights.file.missing": ("MISSING", "AUSENTE"),
    "weights.file.unrecorded": ("NOT VERIFIED: no record", "NÃO VERIFICADO: sem registro"),
    "weights.file.unlisted": ("not in the record", "fora do registro"),
}

FIT_PAGE: dict[str, Pair] = {
    "js.fit.gpus": ("Compare with", "Comparar com"),
    "js.fit.type": ("a card of", "uma placa de"),
    "js.fit.gb": ("GB", "GB"),
    "js.fit.table": ("Models and precisions", "Modelos e precisões"),
    "js.fit.detail": ("Chosen pair", "Par escolhido"),
    "js.fit.dismiss": ("Dismiss", "Dispensar"),
    "js.weights.fetch_title": ("Fetch {name}", "Baixar {name}"),
    "js.weights.now": ("Fetch now", "Baixar agora"),
    "js.weights.ask": ("Ask the hub now", "Consultar o hub agora"),
    "js.weights.cancel": ("Cancel", "Cancelar"),
    "js.weights.import_title": ("Import {name}", "Importar {name}"),
    "js.weights.import_note": (
        "The folder on this machine that was copied from elsewhere: one that this app fetched, a "
        "model's folder in huggingface_hub's cache, or the files as they are. It is copied and "
        "verified; the source stays. No network.",
        "A pasta nesta máquina que foi copiada de outro lugar: uma que este aplicativo baixou, a "
        "de um modelo no cache do huggingface_hub, ou os arquivos soltos. Ela é copiada e "
        "verificada; a origem fica. Sem rede.",
    ),
    "js.weights.import_folder": ("Folder", "Pasta"),
    "js.weights.import_now": ("Import", "Importar"),
    "js.weights.delete_title": ("Delete {name}", "Apagar {name}"),
    "js.weights.delete_note": (
        "All of {folder} is deleted; prepared copies stay. To have it again it must be fetched or "
        "imported anew.",
        "Toda a pasta {folder} é apagada; cópias preparadas ficam. Para tê-la de novo será preciso "
        "baixar ou importar.",
    ),
    "js.weights.delete_copy_note": (
        "Only this prepared copy is deleted. To have it again it must be prepared from the "
        "published files; if they are not here, they must be fetched first.",
        "Só esta cópia preparada é apagada. Para tê-la de novo será preciso prepará-la a partir "
        "dos arquivos publicados; se não estiverem aqui, será preciso baixá-los antes.",
    ),
    "js.weights.delete_now": ("Delete", "Apagar"),
    "js.weights.get": ("Get the weights", "Obter os pesos"),
}
