"""The words of results, their empty states, and runs that travel, as (English, Portuguese)."""

Pair = tuple[str, str]

RESULTS: dict[str, Pair] = {
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
        "{composition} · manifest {manifest} · {arms}",
        "{composition} · manifesto {manifest} · {arms}",
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
