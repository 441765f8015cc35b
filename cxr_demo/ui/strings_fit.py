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
