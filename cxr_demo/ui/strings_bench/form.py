"""The words of what is to be evaluated (recipe, models, folders) and of the questions before a
start, as (English, Portuguese)."""

Pair = tuple[str, str]

FORM: dict[str, Pair] = {
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
