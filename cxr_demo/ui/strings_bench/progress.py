"""The words of how far an evaluation is, and of what steers it, as (English, Portuguese)."""

Pair = tuple[str, str]

PROGRESS: dict[str, Pair] = {
    "bench.state.running": ("running", "em andamento"),
    "bench.state.paused": ("paused", "em pausa"),
    "bench.state.stopped": ("stopped", "parada"),
    "bench.state.finished": ("finished", "concluída"),
    "bench.state.failed": ("failed", "falhou"),
    "bench.arm.waiting": ("waiting", "aguardando"),
    "bench.arm.running": ("running", "em andamento"),
    "bench.arm.read": ("read, to be measured", "lido, falta medir"),
    "bench.arm.paused": ("paused", "em pausa"),
    "bench.arm.stopped": ("stopped", "parado"),
    "bench.arm.finished": ("finished", "concluído"),
    "bench.arm.failed": ("failed", "falhou"),
    "bench.state.left": ("interrupted", "interrompida"),
    "bench.state.timed": ("timed, not started", "cronometrada, não iniciada"),
    "bench.phase.preparing": ("looking up the images", "localizando as imagens"),
    "bench.phase.drawing": ("drawing the phantoms", "desenhando os fantomas"),
    "bench.phase.measuring": ("measuring memory and time", "medindo memória e tempo"),
    "bench.phase.loading": ("loading the model", "carregando o modelo"),
    "bench.phase.comparing": (
        "reading some images again, to compare",
        "relendo algumas imagens, para comparar",
    ),
    "bench.phase.labelling": ("CheXbert is labelling", "CheXbert rotulando"),
    "bench.phase.asking": ("asking for a calibration", "perguntando para a calibração"),
    "bench.share": ("Images done", "Imagens feitas"),
    "bench.fact.images": ("Images, all arms", "Imagens, todos os braços"),
    "bench.fact.rate": ("Rate now", "Ritmo agora"),
    "bench.fact.left": ("Time left, estimate", "Tempo restante, estimado"),
    "bench.fact.failed": ("Failures", "Falhas"),
    "bench.fact.unparsed": ("Unparsed", "Não interpretadas"),
    "bench.column.arm": ("Arm", "Braço"),
    "bench.column.progress": ("Progress", "Andamento"),
    "bench.column.images": ("Images", "Imagens"),
    "bench.column.rate": ("Images/s", "Imagens/s"),
    "bench.column.left": ("Time left", "Tempo restante"),
    "bench.column.failed": ("Failed", "Falhas"),
    "bench.column.unparsed": ("Unparsed", "Não interpr."),
    "bench.per_second": ("{rate} images/s", "{rate} imagens/s"),
    "bench.now.images": ("{images} images", "{images} imagens"),
    "bench.now.left": ("{left} left", "faltam {left}"),
    "bench.timed": (
        "A few images of every arm were timed: the times in the table are estimates from them.",
        "Algumas imagens de cada braço foram cronometradas: o tempo na tabela é estimado delas.",
    ),
    "bench.ranks": (
        "Processes started in a terminal are reading (--ranks): Ctrl-C there stops them. The "
        "figures here are a few seconds old.",
        "Processos iniciados em um terminal estão lendo (--ranks): Ctrl-C ali os para. Os números "
        "aqui têm alguns segundos.",
    ),
    "bench.note.foreign_process": (
        "Another program used the GPU at {at} ({bytes}): VRAM and time of this run are spoilt.",
        "Outro programa usou a GPU em {at} ({bytes}): VRAM e tempo desta execução não valem.",
    ),
    "bench.note.batch_halved": (
        "The GPU's memory was full at {at}: the batch was halved, to {slots}.",
        "A memória da GPU encheu em {at}: o lote caiu à metade, para {slots}.",
    ),
    "bench.note.unopened_again": (
        "{images} images whose files could not be opened were read again at {at}.",
        "{images} imagens cujos arquivos não puderam ser abertos foram relidas em {at}.",
    ),
    "bench.note.resumed": ("Went on at {at} after a break.", "Retomada em {at} após uma pausa."),
    "bench.start": ("Start", "Iniciar"),
    "bench.estimate_start": ("Estimate the time, then ask", "Estimar o tempo e perguntar"),
    "bench.pause": ("Pause", "Pausar"),
    "bench.resume": ("Resume", "Retomar"),
    "bench.start_timed": ("Start all arms", "Iniciar todos os braços"),
    "bench.stop": ("Stop", "Parar"),
    "bench.beside": (
        "An evaluation is running with {name}. The model chosen here fits beside it: a reading "
        "loads it, and it leaves again afterwards; the evaluation only waits and loses nothing.",
        "Há uma avaliação em andamento com {name}. O modelo escolhido aqui cabe ao lado: uma "
        "leitura o carrega e, depois, ele sai; a avaliação apenas espera e nada perde.",
    ),
    "bench.swap": (
        "An evaluation is running with {name}. A reading with the model chosen here loads it in "
        "its place, and the evaluation's again afterwards{wait}; the evaluation loses nothing.",
        "Há uma avaliação em andamento com {name}. Uma leitura com o modelo escolhido aqui o "
        "carrega no lugar e, depois, o da avaliação de novo{wait}; a avaliação nada perde.",
    ),
    "bench.swap.wait": (" (about {seconds} each time)", " (cerca de {seconds} por vez)"),
    "bench.quick.title": ("Nothing has been evaluated here yet", "Nada foi avaliado aqui ainda"),
    "bench.quick.text": (
        "Without any data: the preliminary recipe on 234 synthetic radiographs with the embedded "
        "model ({precisions}), both pipelines. It shows the whole way to the figures.",
        "Sem dado algum: a receita preliminar em 234 radiografias sintéticas com o modelo "
        "embutido ({precisions}), ambas as tarefas. Mostra o caminho inteiro até as figuras.",
    ),
    "bench.quick.button": ("Run it on phantoms", "Executar nos fantomas"),
    "bench.images_all": ("{n} images", "{n} imagens"),
    "bench.images_drawn": ("{n} images drawn", "{n} imagens sorteadas"),
}
