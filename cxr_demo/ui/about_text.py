"""The About screen's texts, as (English, Portuguese). Plain text: `about.py` puts it into HTML."""

Pair = tuple[str, str]

TITLES: dict[str, Pair] = {
    "is": ("What this is", "O que é"),
    "is_not": ("What this is not", "O que não é"),
    "data": ("Your data (LGPD)", "Seus dados (LGPD)"),
    "models": ("Models and their licences", "Modelos e suas licenças"),
    "install": ("Installing a real model", "Como instalar um modelo real"),
    "keys": ("Keyboard", "Teclado"),
    "versions": ("Versions", "Versões"),
}

IS: tuple[Pair, ...] = (
    (
        "Chest X-ray vision-language models on this machine's own GPU: a radiograph goes in, a "
        "report streams out, and its 14 findings stand beside it, each with its sentence.",
        "Modelos de visão e linguagem para radiografia de tórax na GPU desta máquina: entra uma "
        "radiografia, sai um laudo, e ao lado os 14 achados, cada um com a sua frase.",
    ),
    (
        "It serves to compare models and precisions, in research and in choosing equipment.",
        "Serve para comparar modelos e precisões, em pesquisa e na escolha de equipamento.",
    ),
    (
        "The embedded model was trained on radiographs drawn by a program. It shows how "
        "everything works; it knows nothing of patients and refuses their radiographs.",
        "O modelo embutido foi treinado com radiografias desenhadas por um programa. Mostra como "
        "tudo funciona; nada sabe de pacientes e recusa as radiografias deles.",
    ),
)

IS_NOT: tuple[Pair, ...] = (
    (
        "Not a medical device. Not for diagnosis, triage or any decision about a patient.",
        "Não é dispositivo médico. Não serve para diagnóstico, triagem ou decisão sobre paciente.",
    ),
    (
        "Not a second opinion: a model's text can be fluent and wrong. It is marked “Model output, "
        "unverified” wherever it stands.",
        "Não é segunda opinião: o texto de um modelo pode ser fluente e errado. Ele traz a marca "
        "“Saída do modelo, não verificada” onde quer que apareça.",
    ),
    (
        "Not an anonymiser: names written into the picture stay in it.",
        "Não é anonimizador: nomes gravados na imagem permanecem nela.",
    ),
)

SENT: Pair = (
    "Data sent off this machine: none.",
    "Dados enviados para fora desta máquina: nenhum.",
)

SENT_MORE: Pair = (
    "Neither the program nor the page asks anything of the internet, unless you press Fetch on the "
    "screen “Will it fit?”: then a process of its own brings files of a model, and nothing of this "
    "machine goes along but your account's token for that hub. The page is served to this "
    "machine's own account only, unless it was started with --host.",
    "Nem o programa nem a página consultam a internet, a menos que você clique em Baixar na tela "
    "“Cabe na minha GPU?”: então um processo à parte traz arquivos de um modelo, e desta máquina "
    "só sai o token da sua conta naquele hub. A página é servida apenas à conta desta máquina, a "
    "menos que o programa tenha sido iniciado com --host.",
)

STORED_HEAD: tuple[Pair, ...] = (
    ("What", "O quê"),
    ("Where", "Onde"),
    ("How long", "Por quanto tempo"),
    ("How to delete it", "Como apagar"),
)

STORED: tuple[tuple[Pair, Pair, Pair, Pair], ...] = (
    (
        ("Opened files, without their names", "Arquivos abertos, sem os nomes"),
        ("{tmp}", "{tmp}"),
        (
            "until the study closes; all of them when the app ends or starts",
            "até o exame ser fechado; todos quando o aplicativo termina ou inicia",
        ),
        ("close the study, or the app", "feche o exame, ou o aplicativo"),
    ),
    (
        ("Radiographs, reports, findings", "Radiografias, laudos, achados"),
        ("memory only", "somente memória"),
        ("until the study or the page closes", "até fechar o exame ou a página"),
        ("close the study, or the page", "feche o exame, ou a página"),
    ),
    (
        ("Log of the program, without patient data", "Registro do programa, sem dados de paciente"),
        ("{home}", "{home}"),
        ("until you delete it", "até você apagar"),
        ("delete the folder while the app is closed", "apague a pasta com o aplicativo fechado"),
    ),
    (
        (
            "Last model used, hashes of the weights, self-tests, calibrations, folders of your "
            "data; evaluations with the models' texts, file names and patient numbers of the data",
            "Último modelo usado, hashes dos pesos, autotestes, calibrações, pastas dos seus "
            "dados; avaliações com os textos dos modelos, nomes de arquivos e números de pacientes",
        ),
        ("{home}", "{home}"),
        ("until you delete it", "até você apagar"),
        ("delete the folder while the app is closed", "apague a pasta com o aplicativo fechado"),
    ),
    (
        ("Language of the screen", "Idioma da tela"),
        ("this browser's storage", "armazenamento deste navegador"),
        ("until you clear it", "até você limpar"),
        ("clear the browser's data for this address", "limpe os dados deste endereço"),
    ),
    (
        ("Key of this start of the app (a cookie)", "Chave deste início do aplicativo (cookie)"),
        ("this browser", "este navegador"),
        ("until the browser closes", "até o navegador fechar"),
        ("close the browser", "feche o navegador"),
    ),
    (
        ("Copied reports", "Laudos copiados"),
        ("the system's clipboard", "área de transferência do sistema"),
        ("until something else is copied", "até que outra coisa seja copiada"),
        ("copy something else", "copie outra coisa"),
    ),
)

LICENCES_PT = {
    "the licence of this program": "a licença deste programa",
    "Trained on drawn images only.": "Treinado apenas com imagens desenhadas.",
    "Serving the model to others over a network counts as distribution.": (
        "Servir o modelo a outros pela rede conta como distribuição."
    ),
    "Its vision tower, XraySigLIP, is CC-BY-NC-4.0.": (
        "A torre de visão, XraySigLIP, é CC-BY-NC-4.0."
    ),
    "see the publisher's page": "ver a página de quem publica",
    "academic, non-commercial, no redistribution": "acadêmica, não comercial, sem redistribuição",
    "You bring it; this program may not pass it on.": (
        "Você o traz; este programa não pode repassá-lo."
    ),
}
"""The cards' remarks on licences in Portuguese; names of licences are names and stay."""

MODELS_HEAD: tuple[Pair, ...] = (
    ("Model", "Modelo"),
    ("Licence of the weights", "Licença dos pesos"),
    ("Parameters", "Parâmetros"),
    ("On this machine", "Nesta máquina"),
)

INSTALLED: Pair = ("installed", "instalado")
NOT_INSTALLED: Pair = ("not installed", "não instalado")
NOT_PORTED: Pair = ("not in this version", "não nesta versão")
GATED: Pair = (
    "the publisher asks you to accept the terms first",
    "quem publica pede que os termos sejam aceitos antes",
)

INSTALL: tuple[Pair, ...] = (
    (
        "Accept the publisher's terms on the model's page at huggingface.co, then fetch it on the "
        "screen “Will it fit?”, or with `python -m cxr_demo weights fetch MODEL`. It can be "
        "paused, and every file is verified.",
        "Aceite os termos de quem publica na página do modelo em huggingface.co e baixe-o na tela "
        "“Cabe na minha GPU?”, ou com `python -m cxr_demo weights fetch MODELO`. Pode ser pausado, "
        "e cada arquivo é verificado.",
    ),
    (
        "Without internet here: fetch on another machine, carry its model folder over, and import "
        "it there, or with `python -m cxr_demo weights import FOLDER`. “Hosts and files” lists "
        "hosts and hashes for the network team.",
        "Sem internet aqui: baixe em outra máquina, traga a pasta do modelo e importe-a na mesma "
        "tela, ou com `python -m cxr_demo weights import PASTA`. “Servidores e arquivos” lista "
        "servidores e hashes para a equipe de rede.",
    ),
    (
        "Only safetensors files are loaded, and no program code that comes with a model is run.",
        "Só arquivos safetensors são carregados, e nenhum código que acompanha um modelo é "
        "executado.",
    ),
)

ABILITIES: dict[str, Pair] = {
    "report": ("writes reports", "escreve laudos"),
    "findings": ("names findings", "nomeia achados"),
    "yes_no": ("answers yes or no", "responde sim ou não"),
    "locate": ("draws boxes (not used here yet)", "marca regiões (ainda não usado aqui)"),
    "compare": (
        "compares with a prior image (not used here yet)",
        "compara com exame anterior (ainda não usado aqui)",
    ),
}
"""By `models.cards.Ability`."""
CONFIRMED: Pair = (
    "port confirmed with these weights here, {date}",
    "adaptação confirmada com estes pesos aqui, {date}",
)
UNCONFIRMED: Pair = (
    "port not confirmed with real weights: `python -m cxr_demo confirm {id}`",
    "adaptação não confirmada com pesos reais: `python -m cxr_demo confirm {id}`",
)
