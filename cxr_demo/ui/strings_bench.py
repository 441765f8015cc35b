"""The words of the Benchmarks screen, as (English, Portuguese); `strings.py` takes them in."""

from cxr_demo.ui.strings_bench_run import RUN

Pair = tuple[str, str]

_FORM: dict[str, Pair] = {
    "tab.bench": ("Benchmarks", "Avaliações"),
    "bench.evaluation.preliminary": ("Preliminary", "Preliminar"),
    "bench.evaluation.preliminary.text": (
        "All 234 images of CheXpert's validation split, labelled by three radiologists.",
        "Todas as 234 imagens da validação do CheXpert, rotuladas por três radiologistas.",
    ),
    "bench.evaluation.aggregated": ("Aggregated", "Agregada"),
    "bench.evaluation.aggregated.text": (
        "{size} images of CheXpert, MIMIC-CXR and BRAX, labelled from their reports; 5 folds.",
        "{size} imagens de CheXpert, MIMIC-CXR e BRAX, rotuladas pelos laudos; 5 partes.",
    ),
    "bench.evaluation.local": ("Own images · local set", "Imagens próprias · conjunto local"),
    "bench.evaluation.local.text": (
        "The hospital's own folder of DICOM, PNG or JPEG with a CSV table: path, patient and the "
        "14 findings (1, 0, -1 or blank).",
        "A pasta do próprio hospital, com DICOM, PNG ou JPEG e uma tabela CSV: caminho, "
        "paciente e os 14 achados (1, 0, -1 ou vazio).",
    ),
    "bench.evaluation.phantoms": ("Phantoms · synthetic", "Fantomas · sintéticos"),
    "bench.evaluation.phantoms.text": (
        "Drawn radiographs: they test this machine and say nothing of patients. No data needed.",
        "Radiografias desenhadas: testam a máquina e nada dizem de pacientes. Não exigem dados.",
    ),
    "bench.course": ("Recipe", "Receita"),
    "bench.course.preliminary": ("preliminary", "preliminar"),
    "bench.course.aggregated": ("aggregated", "agregada"),
    "bench.mix": ("Mix", "Mistura"),
    "bench.mix.proportional": ("proportional", "proporcional"),
    "bench.mix.thirds": ("thirds", "terços"),
    "bench.views": ("Views", "Incidências"),
    "bench.views.all": ("all", "todas"),
    "bench.views.frontal": ("frontal only", "só frontais"),
    "bench.size": ("Images (blank: all)", "Imagens (vazio: todas)"),
    "bench.count": ("Images", "Imagens"),
    "bench.pipeline.direct": ("direct", "direto"),
    "bench.pipeline.report": ("report", "laudo"),
    "bench.unable": ("{why}: {names}", "{why}: {names}"),
    "bench.model.not_ported": ("Not in this version", "Não nesta versão"),
    "bench.model.not_installed": ("Not installed here", "Não instalados aqui"),
    "bench.model.phantoms_only": ("Synthetic images only", "Só imagens sintéticas"),
    "bench.model.stand_in": (
        "STAND-IN weights: VRAM and time only, no F1",
        "pesos SUBSTITUTOS: só VRAM e tempo, sem F1",
    ),
    "bench.dataset.chexpert": ("CheXpert", "CheXpert"),
    "bench.dataset.mimic": ("MIMIC-CXR-JPG", "MIMIC-CXR-JPG"),
    "bench.dataset.brax": ("BRAX", "BRAX"),
    "bench.dataset.folder": ("Local set", "Conjunto local"),
    "bench.synthetic": ("SYNTHETIC, NOT PATIENTS", "SINTÉTICO, NÃO SÃO PACIENTES"),
    "bench.part": (
        "✓ {part}{images} images, {patients} patients",
        "✓ {part}{images} imagens, {patients} pacientes",
    ),
    "bench.part_bare": (
        "{part}{images} images, {patients} patients in the table",
        "{part}{images} imagens, {patients} pacientes na tabela",
    ),
    "bench.part_unused": (
        "{part}{images} images, {patients} patients (not used here)",
        "{part}{images} imagens, {patients} pacientes (não usada aqui)",
    ),
    "bench.checked_in": ("Checked in {seconds}.", "Conferido em {seconds}."),
    "bench.part_missing": (
        "✗ Part “{part}” cannot be used, missing: {tables}",
        "✗ A parte “{part}” não pode ser usada, falta: {tables}",
    ),
    "bench.part_empty": (
        "✗ The table has no labelled image.",
        "✗ A tabela não tem imagem rotulada.",
    ),
    "bench.images_absent_many": (
        "! {absent} images of the table are not in the folder, more than {share}: the evaluation "
        "would stop. Correct the table or the folder.",
        "! {absent} imagens da tabela não estão na pasta, mais de {share}: a avaliação pararia. "
        "Corrija a tabela ou a pasta.",
    ),
    "bench.images_none": (
        "✗ None of the table's images is in the folder: check the paths in it.",
        "✗ Nenhuma imagem da tabela está na pasta: confira os caminhos que ela indica.",
    ),
    "bench.nothing_present": (
        "! No finding is marked as present in the table: F1 will be 0 and tell nothing.",
        "! Nenhum achado está marcado como presente na tabela: o F1 será 0 e nada dirá.",
    ),
    "bench.images_absent": (
        "! {absent} images of the table are not in the folder: they will count as failures.",
        "! {absent} imagens da tabela não estão na pasta: contarão como falhas.",
    ),
    "bench.images_unlabelled": (
        "{unlabelled} images without labels are left out.",
        "{unlabelled} imagens sem rótulos ficam de fora.",
    ),
    "bench.arms_one": ("1 arm", "1 braço"),
    "bench.arms": (
        "{arms} arms (models {models} × precisions {precisions} × pipelines {pipelines})",
        "{arms} braços (modelos {models} × precisões {precisions} × tarefas {pipelines})",
    ),
    "bench.arms_ways": ("{arms} arms", "{arms} braços"),
    "bench.none.ways": (
        "Choose at least one way to ask for the report.",
        "Escolha ao menos um modo de pedir o laudo.",
    ),
    "bench.none.running": (
        "An evaluation is running: stop it, or wait for its end, before another one starts.",
        "Há uma avaliação em andamento: pare-a, ou espere o fim, antes de iniciar outra.",
    ),
    "bench.none.models": (
        "Choose at least one model. The screen Will it fit? fetches real ones.",
        "Escolha ao menos um modelo. A tela Cabe na minha GPU? baixa os reais.",
    ),
    "bench.none.precisions": ("Choose at least one precision.", "Escolha ao menos uma precisão."),
    "bench.none.pipelines": ("Choose at least one pipeline.", "Escolha ao menos uma tarefa."),
    "bench.none.precision_of": (
        "{name}: not offered at every precision that is chosen.",
        "{name}: não disponível em todas as precisões escolhidas.",
    ),
    "bench.barred": (
        "Not on this GPU (compute capability {found}): {names}. {least} or newer is needed.",
        "Não nesta GPU (compute capability {found}): {names}. É preciso {least} ou mais nova.",
    ),
    "bench.none.barred": (
        "This GPU cannot compute {names}: take that out.",
        "Esta GPU não calcula {names}: retire da escolha.",
    ),
    "bench.none.folder": (
        "Missing on this machine: {names}. Type the folder and check it.",
        "Falta nesta máquina: {names}. Digite a pasta e confira.",
    ),
    "bench.labeler.both": (
        "Reports are labelled by CheXbert and by the rules.",
        "Os laudos são rotulados pelo CheXbert e pelas regras.",
    ),
    "bench.labeler.rules": (
        "CheXbert is not installed: reports are labelled by the rules, F1 (rules).",
        "O CheXbert não está instalado: os laudos são rotulados por regras, F1 (regras).",
    ),
    "bench.fit": ("On this machine", "Nesta máquina"),
    "bench.unfit": ("Does not fit now: {names}.", "Não cabe agora: {names}."),
    "bench.unfit.title": ("Start though it does not fit?", "Iniciar mesmo sem caber?"),
    "bench.unfit.pair": (
        "{name}, {precision}: does not fit. {reason}",
        "{name}, {precision}: não cabe. {reason}",
    ),
    "bench.unfit.what": (
        "Such an arm will most likely fail for lack of memory; the others go on.",
        "Um braço assim provavelmente falhará por falta de memória; os outros continuam.",
    ),
    "bench.unfit.yes": ("Start all the same", "Iniciar mesmo assim"),
    "bench.ask.title": ("Without CheXbert?", "Sem o CheXbert?"),
    "bench.ask.1": (
        "CheXbert is not on this machine. Reports will be labelled by this program's rules, and "
        "every figure will say “F1 (rules)”: it cannot be compared with the study's.",
        "O CheXbert não está nesta máquina. Os laudos serão rotulados pelas regras deste programa, "
        "e toda figura dirá “F1 (regras)”: não se compara com a do estudo.",
    ),
    "bench.ask.2": (
        "The model's texts are kept: if CheXbert is installed later, they can be labelled without "
        "the GPU running again.",
        "Os textos do modelo ficam guardados: se o CheXbert for instalado depois, podem ser "
        "rotulados sem usar a GPU de novo.",
    ),
    "bench.ask.yes": ("Start with the rules", "Iniciar com as regras"),
}

_PROGRESS: dict[str, Pair] = {
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

_RESULTS: dict[str, Pair] = {
    "bench.view.table": ("Table", "Tabela"),
    "bench.view.memory": ("F1 × VRAM", "F1 × VRAM"),
    "bench.view.bars": ("F1", "F1"),
    "bench.view.folds": ("F1 over folds", "F1 por partes"),
    "bench.view.findings": ("Per finding", "Por achado"),
    "bench.view.paired": ("bf16 × 4 bits", "bf16 × 4 bits"),
    "bench.view.policies": ("Labelers, policies", "Rotuladores, políticas"),
    "bench.view.stand_ins": ("Random weights", "Pesos aleatórios"),
    "bench.computing": ("95 % intervals: computing…", "Intervalos de 95 %: calculando…"),
    "bench.so_far": (
        "UNFINISHED: {behind} of {arms} arms · {done} of {total} images so far",
        "INACABADA: {behind} de {arms} braços · {done} de {total} imagens até agora",
    ),
    "bench.head": (
        "{composition} · manifest {manifest} · {arms} arms",
        "{composition} · manifesto {manifest} · {arms} braços",
    ),
    "bench.open_run": ("Open this run", "Abrir esta execução"),
    "bench.place.patients": ("Patients", "Pacientes"),
    "bench.place.synthetic": ("Synthetic", "Sintéticos"),
    "bench.empty.patients": (
        "No results on patients' radiographs yet",
        "Ainda não há resultados em radiografias de pacientes",
    ),
    "bench.empty.patients.text": (
        "They need, on this machine:",
        "Eles exigem, nesta máquina:",
    ),
    "bench.empty.synthetic": ("No synthetic results yet", "Ainda não há resultados sintéticos"),
    "bench.empty.synthetic.text": (
        "The phantoms show the whole way to the figures in minutes and without any data; every "
        "figure of theirs is marked as synthetic.",
        "Os fantomas mostram em minutos e sem dado algum o caminho inteiro até as figuras; toda "
        "figura deles traz a marca de sintético.",
    ),
    "bench.there.models": (
        "{count} real model(s) installed",
        "{count} modelo(s) real(is) instalado(s)",
    ),
    "bench.missing.models": (
        "a real model, such as MedGemma or CheXagent 2: none is installed; the screen Will it fit? "
        "fetches one",
        "um modelo real, como MedGemma ou CheXagent 2: nenhum está instalado; a tela Cabe na minha "
        "GPU? o baixa",
    ),
    "bench.there.data": ("data folders found: {count}", "pastas de dados encontradas: {count}"),
    "bench.missing.data": (
        "a data set: CheXpert, MIMIC-CXR-JPG and BRAX, or the hospital's own folder; no folder "
        "has been given yet",
        "um conjunto de dados: CheXpert, MIMIC-CXR-JPG e BRAX, ou a pasta do próprio hospital; "
        "nenhuma pasta foi indicada ainda",
    ),
    "bench.there.chexbert": ("CheXbert is installed", "O CheXbert está instalado"),
    "bench.missing.chexbert": (
        "CheXbert, the study's labeler, not installed: without it every F1 is by the rules and "
        "cannot be compared with the study",
        "o CheXbert, rotulador do estudo, não instalado: sem ele todo F1 é por regras e não se "
        "compara com o do estudo",
    ),
    "bench.carry.title": ("Carry runs between machines", "Levar execuções entre máquinas"),
    "bench.carry.words": (
        "One file with labels, figures and settings. Keys and patients are salted hashes; images, "
        "targets and texts stay here.",
        "Um arquivo com rótulos, medidas e configuração. Chaves e pacientes são hashes com sal; "
        "imagens, rótulos de referência e textos ficam aqui.",
    ),
    "bench.carry.full": (
        "Full, for holders of the data licences: with keys, targets and texts",
        "Completo, para titulares das licenças dos dados: com chaves, referências e textos",
    ),
    "bench.carry.file": (
        "Open a file that was carried here from another machine.",
        "Abra um arquivo trazido de outra máquina.",
    ),
    "bench.carry.taken": ("Taken in: {name}.", "Recebida: {name}."),
    "bench.empty.way": ("Go to the evaluations", "Ir para as avaliações"),
}

_PAGE: dict[str, Pair] = {
    "js.bench.parts": ("Evaluations", "Avaliações"),
    "js.bench.run": ("Run", "Executar"),
    "js.bench.results": ("Results", "Resultados"),
    "js.bench.evaluation": ("Evaluation", "Avaliação"),
    "js.bench.models": ("Arms", "Braços"),
    "js.bench.precisions": ("Precision", "Precisão"),
    "js.bench.pipelines": ("Pipeline", "Tarefa"),
    "js.bench.ways": ("Asked", "Pedido"),
    "js.bench.folders": ("Data folders", "Pastas dos dados"),
    "js.bench.folder_hint": ("/full/path/of/the/folder", "/caminho/completo/da/pasta"),
    "js.bench.stale": (
        "The progress could not be asked for: what you see is from before.",
        "Não foi possível consultar o andamento: o que se vê é de antes.",
    ),
    "js.bench.check": ("Check", "Conferir"),
    "js.bench.checking": ("Looking into the folder…", "Conferindo a pasta…"),
    "js.bench.estimate": ("Estimate the time", "Estimar o tempo"),
    "js.bench.progress": ("Progress", "Andamento"),
    "js.bench.to_results": ("Results", "Resultados"),
    "js.bench.earlier": ("Earlier evaluations", "Avaliações anteriores"),
    "js.bench.board": ("Evaluation", "Avaliação"),
    "js.bench.place": ("Images", "Imagens"),
    "js.bench.labeler": ("Labeler", "Rotulador"),
    "js.bench.policy": ("Uncertain =", "Incerto ="),
    "js.bench.theme": ("Figures", "Figuras"),
    "js.bench.dark": ("dark", "escuras"),
    "js.bench.light": ("light", "claras"),
    "js.bench.export": ("Export", "Exportar"),
    "js.bench.full": ("Full screen", "Tela cheia"),
    "js.bench.full_tip": ("For a projector; Esc ends it", "Para o projetor; Esc encerra"),
    "js.bench.png_hint": (
        "Choose a figure first: a PNG is made of the figure that is shown.",
        "Escolha antes uma figura: o PNG é feito da figura exibida.",
    ),
    "js.bench.carry": ("Carry…", "Levar…"),
    "js.bench.carry_writing": (
        "Writing the file; its intervals may take a moment…",
        "Gravando o arquivo; os intervalos podem levar um momento…",
    ),
    "js.bench.carry_done": ("Saved.", "Salvo."),
    "js.bench.carry_go": ("Save the file", "Salvar o arquivo"),
    "js.bench.carry_reading": ("Reading the file…", "Lendo o arquivo…"),
    "js.bench.carry_out": ("From here", "Daqui"),
    "js.bench.carry_in": ("To here", "Para cá"),
    "js.bench.views": ("Table and figures", "Tabela e figuras"),
    "js.bench.opening_run": ("Opening the run…", "Abrindo a execução…"),
    "js.bench.run_title": ("Run", "Execução"),
    "js.bench.unverified": ("Model output, unverified", "Saída do modelo, não verificada"),
    "js.bench.no_image": (
        "The image cannot be shown: its file is not in the data folder any more.",
        "A imagem não pode ser exibida: o arquivo não está mais na pasta dos dados.",
    ),
}

BENCH: dict[str, Pair] = {**_FORM, **_PROGRESS, **_RESULTS, **RUN, **_PAGE}
