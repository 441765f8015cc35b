"""The words of a run's page, as (English, Portuguese)."""

Pair = tuple[str, str]

RUN: dict[str, Pair] = {
    "bench.run.examples": ("Examples", "Exemplos"),
    "bench.run.examples_note": (
        "Images and texts are shown on this machine only; no export holds them.",
        "Imagens e textos só aparecem nesta máquina; nenhuma exportação os contém.",
    ),
    "bench.run.elsewhere": (
        "This run was carried here without images and texts.",
        "Esta execução foi trazida sem imagens e textos.",
    ),
    "bench.run.no_image": ("No image here", "Sem imagem aqui"),
    "bench.run.radiograph": ("Radiograph of example {n}", "Radiografia do exemplo {n}"),
    "bench.run.finding": ("Finding", "Achado"),
    "bench.run.target": ("Target", "Referência"),
    "bench.run.differs": ("differs from the target", "difere da referência"),
    "bench.run.run": ("Run", "Execução"),
    "bench.run.manifest": ("Manifest SHA-256", "SHA-256 do manifesto"),
    "bench.run.recipe": ("Recipe", "Receita"),
    "bench.run.state": ("State", "Estado"),
    "bench.run.images": ("Images", "Imagens"),
    "bench.run.labelers": ("Labelers", "Rotuladores"),
    "bench.run.created": ("Begun", "Iniciada"),
    "bench.run.vram": ("VRAM, one image, peak less baseline", "VRAM, uma imagem, pico menos base"),
    "bench.run.vram_batch": ("VRAM in batches, device peak", "VRAM em lotes, pico do dispositivo"),
    "bench.run.rss": ("Memory of the process, peak", "Memória do processo, pico"),
    "bench.run.alone": ("Other labels alone than in the batch", "Outros rótulos a sós que em lote"),
    "bench.run.again": ("Read again after a resume", "Relidas após uma retomada"),
    "bench.run.again_value": (
        "{images} images; other labels: {labels}; other texts: {texts}",
        "{images} imagens; outros rótulos: {labels}; outros textos: {texts}",
    ),
    "bench.run.time": ("Time per image, batch 1", "Tempo por imagem, lote 1"),
    "bench.run.time_value": (
        "{mean} ± {sd} over {n} images, {tokens} tokens",
        "{mean} ± {sd} em {n} imagens, {tokens} tokens",
    ),
    "bench.run.throughput": ("Throughput in batches", "Vazão em lotes"),
    "bench.run.notes": ("Notes", "Observações"),
    "bench.run.taken_in": ("Taken in", "Recebida"),
    "bench.run.imported": ("Carried here from", "Trazida de"),
}
