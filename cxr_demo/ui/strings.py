"""Every word on the screen, as (English, Portuguese). `text` fills in; the page gets the table too.

Keys that begin with "js." are used by the page's own scripts. The About screen's long texts lie in
`about_text.py`, and errors bring their own sentences (`cxr_demo.errors`).
"""

from typing import Any

from cxr_demo.ui.strings_bench import BENCH
from cxr_demo.ui.strings_fit import FIT, FIT_PAGE, MARKS
from cxr_demo.ui.strings_weights import WEIGHTS

LANGUAGES = ("pt", "en")

Pair = tuple[str, str]

FRAME: dict[str, Pair] = {
    "app": ("CXR Demo", "CXR Demo"),
    "disclaimer": (
        "Research use only · not a medical device",
        "Somente para pesquisa · não é dispositivo médico",
    ),
    "tab.room": ("Reading room", "Sala de laudos"),
    "tab.about": ("About", "Sobre"),
    "language": ("Language", "Idioma"),
    "model": ("Model", "Modelo"),
    "precision": ("Precision", "Precisão"),
    "pipeline": ("Task", "Tarefa"),
    "precision.bf16": ("bf16", "bf16"),
    "precision.nf4": ("4 bits", "4 bits"),
    "precision.nf4_emb": ("4 bits + table", "4 bits + tabela"),
    "precision.nf4_fp32": ("4 bits, fp32", "4 bits, fp32"),
    "precision.bnb4_default": (
        "4 bits, library default (possibly the study's)",
        "4 bits, padrão da biblioteca (talvez o do estudo)",
    ),
    "pipeline.report": ("Report", "Laudo"),
    "pipeline.direct": ("Findings only", "Só achados"),
    "prompt.whole": ("In one go", "De uma vez"),
    "prompt.steps": ("Step by step", "Por etapas"),
    "generate": ("Generate", "Gerar"),
    "stop": ("Stop", "Parar"),
    "offer": ("Go on in {precision}", "Continuar em {precision}"),
    "not_ported": ("{name} · not in this version", "{name} · não nesta versão"),
    "stand_in_name": ("{name} · STAND-IN weights", "{name} · pesos SUBSTITUTOS"),
    "not_installed": ("{name} · not installed", "{name} · não instalado"),
    "model.not_ported": (
        "This version of the app cannot run {name} yet: choose another model.",
        "Esta versão do aplicativo ainda não executa {name}: escolha outro modelo.",
    ),
    "card.embedded": ("Embedded · synthetic only", "Embutido · só sintéticas"),
    "model.phantoms_only": (
        "Reads the synthetic samples only, never a patient's radiograph.",
        "Lê apenas as amostras sintéticas, nunca a radiografia de um paciente.",
    ),
}

WORKER: dict[str, Pair] = {
    "worker.starting": ("Model process is starting", "Processo do modelo iniciando"),
    "worker.ready": ("Ready", "Pronto"),
    "worker.loaded": ("Ready · {model}, {precision}", "Pronto · {model}, {precision}"),
    "worker.loading": ("Loading {model}", "Carregando {model}"),
    "worker.reading": ("Reading", "Lendo"),
    "worker.evaluating": ("Evaluation running", "Avaliação em andamento"),
    "worker.measuring": ("Measuring {model}", "Medindo {model}"),
    "worker.dead": (
        "Model process ended · starting again",
        "Processo do modelo terminou · reiniciando",
    ),
}

STATES: dict[str, Pair] = {
    "state.none": ("Open a radiograph to begin.", "Abra uma radiografia para começar."),
    "state.empty": (
        "No report yet. Press Generate (Alt+Enter).",
        "Ainda sem laudo. Clique em Gerar (Alt+Enter).",
    ),
    "state.queued": ("Waiting for the model process", "Aguardando o processo do modelo"),
    "state.loading": ("Loading the model", "Carregando o modelo"),
    "state.reading": ("Reading the radiograph", "Lendo a radiografia"),
    "state.writing": ("Writing", "Escrevendo"),
    "state.done": ("Complete", "Completo"),
    "state.stopped": ("STOPPED · incomplete report", "INTERROMPIDO · laudo incompleto"),
    "state.cut": (
        "CUT OFF at {tokens} tokens · incomplete report",
        "CORTADO em {tokens} tokens · laudo incompleto",
    ),
    "state.cut_steps": (
        "CUT OFF: a step reached its limit, {tokens} tokens in all · incomplete report",
        "CORTADO: uma etapa atingiu seu limite, {tokens} tokens ao todo · laudo incompleto",
    ),
    "state.failed": ("Failed", "Falhou"),
    "state.failed_partial": (
        "Written before the failure, incomplete:",
        "Escrito antes da falha, incompleto:",
    ),
    "unverified": ("Model output, unverified", "Saída do modelo, não verificada"),
    "english_report": (
        "The model writes in English; the findings beside it are given in Portuguese.",
        "O modelo escreve em inglês; os achados ao lado estão em português.",
    ),
    "english_answer": (
        "The model answers in English; the findings beside it are given in Portuguese.",
        "O modelo responde em inglês; os achados ao lado estão em português.",
    ),
    "incomplete_findings": (
        "From an incomplete report: what it does not mention is not assessed.",
        "De um laudo incompleto: o que ele não menciona não foi avaliado.",
    ),
    "stand_in": (
        "STAND-IN weights: random numbers, the text means nothing.",
        "Pesos SUBSTITUTOS: números aleatórios, o texto não significa nada.",
    ),
}

FINDINGS: dict[str, Pair] = {
    "label.positive": ("present", "presente"),
    "label.negative": ("absent", "ausente"),
    "label.uncertain": ("uncertain", "incerto"),
    "label.not_mentioned": ("not mentioned", "não mencionado"),
    "label.unnamed": ("not named", "não citado"),
    "label.clear": ("applies", "aplica-se"),
    "label.excluded": ("does not apply", "não se aplica"),
    "label.unassessed": ("not assessed", "não avaliado"),
    "labeler.rules": ("rule-based labels", "rótulos por regras"),
    "labeler.chexbert": ("CheXbert labels", "rótulos do CheXbert"),
    "labeler.chexbert_sentences": (
        "CheXbert, sentence by sentence",
        "CheXbert, frase por frase",
    ),
    "labeler.direct": ("the model's direct answer", "resposta direta do modelo"),
    "contradiction.no_finding": (
        "Contradiction: “No Finding” stands beside {findings}.",
        "Contradição: “Nenhum destes achados” aparece junto de {findings}.",
    ),
    "contradiction.labelers": (
        "Disagreement on {finding}: {first} by {first_by}, {second} by {second_by}.",
        "Discordância em {finding}: {first} segundo {first_by}, {second} segundo {second_by}.",
    ),
    "contradiction.readings": (
        "{finding}: {first} here, {second} in the reading {other}.",
        "{finding}: {first} aqui, {second} na leitura {other}.",
    ),
    "contradiction.sentences": (
        "CheXbert labels the whole report otherwise than its single sentences: {findings}.",
        "O CheXbert rotula o laudo inteiro de outro modo que as frases isoladas: {findings}.",
    ),
    "contradiction.probability": (
        "{finding}: {word} in the text, but {percent} when the model is asked yes or no.",
        "{finding}: {word} no texto, mas {percent} quando se pergunta ao modelo sim ou não.",
    ),
    "labeler.short.rules": ("rule-based", "por regras"),
    "labeler.short.chexbert": ("CheXbert", "CheXbert"),
    "labeler.short.direct": ("direct answer", "resposta direta"),
    "agreement": ("{by}: {same} of {all} equal", "{by}: {same} de {all} iguais"),
    "policy": ("Uncertain =", "Incerto ="),
    "policy.uncertain_as_positive": ("present", "presente"),
    "policy.uncertain_as_negative": ("absent", "ausente"),
    "policy.uncertain_ignored": ("left out", "fora da conta"),
    "policy.summary": ("{present} present", "{present} presentes"),
    "counted.present": ("counted as present", "conta como presente"),
    "counted.absent": ("counted as absent", "conta como ausente"),
    "counted.ignored": ("left out of counts", "fora da conta"),
    "calibrated.short": (
        "% calibrated on {images} images",
        "% calibrada em {images} imagens",
    ),
    "calibrated.short.synthetic": (
        "% calibrated on {images} synthetic images",
        "% calibrada em {images} imagens sintéticas",
    ),
    "calibrated": (
        "%: the model's answer to yes or no, calibrated on {images} images ({day})",
        "%: resposta do modelo a sim ou não, calibrada em {images} imagens ({day})",
    ),
    "calibrated.synthetic": (
        "%: the model's answer to yes or no, calibrated on {images} synthetic images ({day})",
        "%: resposta do modelo a sim ou não, calibrada em {images} imagens sintéticas ({day})",
    ),
    "labeler.says": ("{labeler}: {word}", "{labeler}: {word}"),
    "unparsed": (
        "No finding could be read from the model's answer: nothing is assessed.",
        "Nenhum achado pôde ser lido na resposta do modelo: nada foi avaliado.",
    ),
}

STUDY: dict[str, Pair] = {
    "view.PA": ("PA", "PA"),
    "view.AP": ("AP", "AP"),
    "view.LATERAL": ("lateral", "perfil"),
    "view.UNKNOWN": ("view unknown", "incidência desconhecida"),
    "still_previous": (
        "The radiograph on the screen is still the previous one.",
        "A radiografia na tela ainda é a anterior.",
    ),
    "nothing_open": ("Nothing was opened.", "Nada foi aberto."),
    "error.no_study": (
        "No radiograph is open: open a file or a sample first.",
        "Nenhuma radiografia aberta: abra um arquivo ou uma amostra antes.",
    ),
    "error.internal": (
        "Something went wrong inside the app ({detail}): the log in the private folder says more.",
        "Algo deu errado dentro do aplicativo ({detail}): o registro na pasta privada diz mais.",
    ),
}

TELEMETRY: dict[str, Pair] = {
    "tele.no_gpu": (
        "No NVIDIA GPU in use: the model runs on the processor.",
        "Sem GPU NVIDIA em uso: o modelo roda no processador.",
    ),
    "tele.waiting": ("No measurement yet", "Ainda sem medida"),
    "tele.vram": ("VRAM now", "VRAM agora"),
    "tele.vram_peak": ("VRAM peak", "VRAM, pico"),
    "tele.vram_total": ("VRAM total", "VRAM total"),
    "tele.load": ("GPU load", "Carga da GPU"),
    "tele.rss": ("Process memory", "Memória do processo"),
    "tele.rss_peak": ("Process memory peak", "Memória do processo, pico"),
    "tele.ttft": ("First token", "Primeiro token"),
    "tele.rate": ("Tokens/s", "Tokens/s"),
    "tele.total": ("Total time", "Tempo total"),
    "tele.tokens": ("Tokens", "Tokens"),
}

PROVENANCE: dict[str, Pair] = {
    "prov.model": ("Model", "Modelo"),
    "prov.revision": ("Revision", "Revisão"),
    "prov.weights": ("Weights SHA-256", "SHA-256 dos pesos"),
    "prov.precision": ("Precision", "Precisão"),
    "prov.pipeline": ("Task", "Tarefa"),
    "prov.prompt": ("Prompt", "Prompt"),
    "prov.preprocessing": ("Preprocessing", "Pré-processamento"),
    "prov.window": ("Window (centre/width)", "Janela (centro/largura)"),
    "window.file": ("{window}, from the file", "{window}, do arquivo"),
    "window.full": ("{window}, full range", "{window}, faixa completa"),
    "window.ignored": (
        "{window}, full range; the file's own was IGNORED by request",
        "{window}, faixa completa; a do arquivo foi IGNORADA a pedido",
    ),
    "prov.engine": ("Decoding", "Decodificação"),
    "prov.device": ("Device", "Dispositivo"),
    "prov.image": ("Image SHA-256", "SHA-256 da imagem"),
    "prov.created": ("Made at", "Feito em"),
    "prov.versions": ("Versions", "Versões"),
    "prov.timings": ("Timings", "Tempos"),
    "prov.memory": ("Memory", "Memória"),
    "prov.vram": (
        "VRAM of the device, peak {peak}, before the start {base}",
        "VRAM do dispositivo, pico {peak}, antes do início {base}",
    ),
    "prov.image_use": ("Image use", "Uso da imagem"),
    "use.proven": (
        "proven here on {day} (movement {movement}, noise {noise})",
        "provado aqui em {day} (movimento {movement}, ruído {noise})",
    ),
    "use.refuted": (
        "NOT USED, found here on {day} (movement {movement}, noise {noise})",
        "NÃO USADA, visto aqui em {day} (movimento {movement}, ruído {noise})",
    ),
    "selftest.button": ("Self-test of the loaded model", "Autoteste do modelo carregado"),
    "selftest.result": (
        "{name}, {precision}: image use {result}",
        "{name}, {precision}: uso da imagem {result}",
    ),
    "use.unknown": ("not tested here yet", "ainda não testado aqui"),
    "prov.confirmed": (
        "Port confirmed with real weights here",
        "Adaptação confirmada aqui com os pesos reais",
    ),
    "yes": ("yes", "sim"),
    "no": ("no", "não"),
    "clip.findings": ("Findings", "Achados"),
    "clip.provenance": ("Provenance", "Procedência"),
    "clip.evidence": ("evidence", "evidência"),
}

PAGE: dict[str, Pair] = {
    "js.radiograph": ("Radiograph", "Radiografia"),
    "js.report": ("Report", "Laudo"),
    "js.findings": ("14 findings", "14 achados"),
    "js.telemetry": ("Telemetry", "Telemetria"),
    "js.open": ("Open file…", "Abrir arquivo…"),
    "js.close": ("Close study", "Fechar exame"),
    "js.previous": ("Previous", "Anterior"),
    "js.next": ("Next", "Próxima"),
    "js.image_of": ("Image {n} of {total}", "Imagem {n} de {total}"),
    "js.study_of": ("Study {n} of {total}", "Exame {n} de {total}"),
    "js.samples": ("Synthetic samples", "Amostras sintéticas"),
    "js.drop": (
        "Drop a radiograph here: DICOM, PNG, JPEG or a zip",
        "Solte aqui uma radiografia: DICOM, PNG, JPEG ou zip",
    ),
    "js.empty": (
        "Open a radiograph, or start with a synthetic sample",
        "Abra uma radiografia, ou comece com uma amostra sintética",
    ),
    "js.ignore_lut": ("Ignore LUT", "Ignorar LUT"),
    "js.ignore_lut_tip": (
        "For files whose own window or table is wrong: shows, and gives to the models, the full "
        "range.",
        "Para arquivos com janela ou tabela errada: exibe, e dá aos modelos, a faixa completa.",
    ),
    "js.opening": ("Opening…", "Abrindo…"),
    "js.dismiss": ("Dismiss", "Dispensar"),
    "js.copy": ("Copy", "Copiar"),
    "js.copied": ("Copied", "Copiado"),
    "js.copy_failed": ("Could not copy", "Não foi possível copiar"),
    "js.see": ("What the model saw", "O que o modelo viu"),
    "js.see_prompt": ("Prompt", "Prompt"),
    "js.prompts": ("How the report is asked for", "Como o laudo é pedido"),
    "js.see_size": ("{w} × {h} pixels, exactly as given", "{w} × {h} pixels, exatamente como dado"),
    "js.seeing": ("Asking the model process…", "Consultando o processo do modelo…"),
    "js.provenance": ("Provenance", "Procedência"),
    "js.readings": ("Readings of this radiograph", "Leituras desta radiografia"),
    "js.no_evidence": (
        "No sentence of the report carries this.",
        "Nenhuma frase do laudo sustenta isto.",
    ),
    "js.keys": ("Keyboard", "Teclado"),
    "js.lost": (
        "No connection to the app: it was closed or is restarting. What you see is from before.",
        "Sem conexão com o aplicativo: foi fechado ou está reiniciando. O que se vê é de antes.",
    ),
    "js.restarted": (
        "The app was started again: this page shows the state from before. Reload to go on.",
        "O aplicativo foi reiniciado: esta página mostra o estado anterior. Recarregue.",
    ),
    "js.reload": ("Reload", "Recarregar"),
    "js.too_large": (
        "The file is larger than 100 MB, the limit of this app: open the radiograph alone.",
        "O arquivo tem mais de 100 MB, o limite do aplicativo: abra só a radiografia.",
    ),
    "js.upload_failed": (
        "The file could not be handed to the app: check that it is still running.",
        "O arquivo não pôde ser entregue ao aplicativo: confira se ele ainda está aberto.",
    ),
}

KEYS: tuple[tuple[str, Pair], ...] = (
    ("Alt + Enter", ("Generate", "Gerar")),
    ("Esc", ("Stop", "Parar")),
    ("Alt + O", ("Open a file", "Abrir um arquivo")),
    ("Page Up · Page Down", ("Previous · next image", "Imagem anterior · próxima")),
    ("↑ · ↓", ("In the findings: move, show the sentence", "Nos achados: mover, ver a frase")),
    ("1 · 2 · 3 · 4", ("Window: file, full, lung, bone", "Janela: arquivo, total, pulmão, osso")),
    ("I", ("Invert", "Inverter")),
    ("F · O", ("Fit · 1:1", "Ajustar · 1:1")),
    ("+ · −", ("Zoom", "Zoom")),
    ("R", ("Reset the view", "Restaurar a vista")),
    ("?", ("All keys of the viewer", "Todas as teclas da imagem")),
)
"""Keys, as the help dialog and the About screen list them."""

STRINGS: dict[str, Pair] = {
    **FRAME,
    **WORKER,
    **STATES,
    **FINDINGS,
    **STUDY,
    **TELEMETRY,
    **PROVENANCE,
    **PAGE,
    **FIT,
    **MARKS,
    **WEIGHTS,
    **FIT_PAGE,
    **BENCH,
}


def text(key: str, language: str, **params: Any) -> str:
    """The words of `key` in `language` ("pt" or "en"), with `params` filled in.

    Raises:
        KeyError: if there is no such key.
    """
    pair = STRINGS[key]
    return (pair[1] if language == "pt" else pair[0]).format(**params)


def page_table() -> dict[str, dict[str, str]]:
    """The strings of the page's own scripts: `{"en": {key: words}, "pt": {...}}`."""
    keys = [key for key in STRINGS if key.startswith("js.") or key in {"app", "disclaimer"}]
    return {
        "en": {key: STRINGS[key][0] for key in keys},
        "pt": {key: STRINGS[key][1] for key in keys},
    }
