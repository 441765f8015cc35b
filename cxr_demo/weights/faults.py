"""Why weights could not be fetched, imported or trusted: one leaf for each next step."""

from cxr_demo.errors import ModelError


class WeightsError(ModelError):
    """Root of what can happen to weights on their way; also an answer that fits no leaf."""

    code = "weights"
    en = "{host} gave an unexpected answer ({detail}): try again, or ask your network team."
    pt = "{host} deu uma resposta inesperada ({detail}): tente de novo, ou fale com a rede."


class LicenceNotAccepted(WeightsError):
    """The account is known, but has not accepted the publisher's terms."""

    code = "licence_not_accepted"
    en = (
        "The publisher of {repo} asks you to accept the terms first: open {page} with the account "
        "of your token, accept, and repeat the command."
    )
    pt = (
        "Quem publica {repo} pede que os termos sejam aceitos antes: abra {page} com a conta do "
        "seu token, aceite e repita o comando."
    )


class NotLoggedIn(WeightsError):
    """The files are behind a licence, and no token was given."""

    code = "not_logged_in"
    en = (
        "{repo} is given to known accounts only: accept the terms at {page}, make a token with "
        "read access at {tokens}, then run `hf auth login` or set HF_TOKEN."
    )
    pt = (
        "{repo} só é entregue a contas conhecidas: aceite os termos em {page}, crie um token de "
        "leitura em {tokens} e execute `hf auth login` ou defina HF_TOKEN."
    )


class BadToken(WeightsError):
    """The hub does not know the token."""

    code = "bad_token"
    en = (
        "The hub does not accept your token (it is mistyped, expired or was withdrawn): make "
        "another at {tokens}, then run `hf auth login` or set HF_TOKEN."
    )
    pt = (
        "O token não é aceito (digitado errado, vencido ou revogado): crie outro em {tokens} e "
        "execute `hf auth login` ou defina HF_TOKEN."
    )


class TokenTooNarrow(WeightsError):
    """A fine-grained token without the right to read gated repositories."""

    code = "token_too_narrow"
    en = (
        "Your token may not read gated repositories: edit it at {tokens} and allow “read access to "
        "contents of all public gated repos”, or make a token of type Read."
    )
    pt = (
        "O token não pode ler repositórios com termos: edite-o em {tokens} e permita “read access "
        "to contents of all public gated repos”, ou crie um token do tipo Read."
    )


class NotFoundOrPrivate(WeightsError):
    """The hub has no such repository, revision or file, or does not show it to this account."""

    code = "not_found_or_private"
    en = (
        "The hub shows nothing under {what}: it was moved or withdrawn, or is private; look at "
        "{page} with the account of your token."
    )
    pt = (
        "Não há nada visível em {what}: foi movido ou retirado, ou é privado; veja {page} com a "
        "conta do seu token."
    )


class Offline(WeightsError):
    """The hub cannot be reached."""

    code = "offline"
    en = (
        "{host} cannot be reached from this machine: check the network, set HTTPS_PROXY if there "
        "is a proxy, or fetch on another machine and use `weights import`."
    )
    pt = (
        "{host} não pode ser alcançado desta máquina: verifique a rede, defina HTTPS_PROXY se há "
        "um proxy, ou baixe em outra máquina e use `weights import`."
    )


class OfflineSwitch(WeightsError):
    """The environment tells huggingface_hub to stay offline."""

    code = "offline_switch"
    en = "HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set: unset it for this command."
    pt = "HF_HUB_OFFLINE ou TRANSFORMERS_OFFLINE está definido: remova-o para este comando."


class ProxyWantsLogin(WeightsError):
    """A proxy answered 407."""

    code = "proxy_wants_login"
    en = (
        "The proxy wants a login: set HTTPS_PROXY=http://user:password@proxy:port (special "
        "characters percent-encoded), or ask your network team to let {host} through."
    )
    pt = (
        "O proxy pede autenticação: defina HTTPS_PROXY=http://usuario:senha@proxy:porta "
        "(caracteres especiais codificados com %), ou peça à equipe de rede que libere {host}."
    )


class ProxyUnreachable(WeightsError):
    """The proxy that the environment names does not work."""

    code = "proxy_unreachable"
    en = (
        "The proxy {proxy} lets nothing through to {host} ({detail}): correct HTTPS_PROXY, or ask "
        "your network team."
    )
    pt = (
        "O proxy {proxy} não leva a {host} ({detail}): corrija HTTPS_PROXY, ou fale com a equipe "
        "de rede."
    )


class ProxySetting(WeightsError):
    """A proxy's variable that cannot be understood, or names a kind that is not supported."""

    code = "proxy_setting"
    en = (
        "HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names no proxy that can be used ({detail}): set it "
        "to http://proxy:port; SOCKS proxies are not supported."
    )
    pt = (
        "HTTPS_PROXY, HTTP_PROXY ou ALL_PROXY não indica um proxy que se possa usar ({detail}): "
        "defina http://proxy:porta; proxies SOCKS não são aceitos."
    )


class HubSetting(WeightsError):
    """HF_ENDPOINT is no address."""

    code = "hub_setting"
    en = (
        "HF_ENDPOINT is “{endpoint}”, which is no address: let it begin with https://, or unset it."
    )
    pt = "HF_ENDPOINT é “{endpoint}”, que não é um endereço: comece com https://, ou remova-o."


class CertificateFile(WeightsError):
    """SSL_CERT_FILE or SSL_CERT_DIR names something that holds no certificates."""

    code = "certificate_file"
    en = (
        "The file that SSL_CERT_FILE names ({path}) cannot be read as certificates (PEM): correct "
        "it, or unset it."
    )
    pt = (
        "O arquivo indicado em SSL_CERT_FILE ({path}) não pode ser lido como certificados (PEM): "
        "corrija-o, ou remova-o."
    )


class CertificateNotTrusted(WeightsError):
    """Something between here and the host shows a certificate that this machine does not know."""

    code = "certificate_not_trusted"
    en = (
        "The certificate shown for {host} is not trusted here, as where a proxy inspects traffic: "
        "get that proxy's root certificate and set SSL_CERT_FILE=/path/to/it.pem."
    )
    pt = (
        "O certificado mostrado por {host} não é confiável aqui, como quando um proxy inspeciona o "
        "tráfego: obtenha o certificado raiz dele e defina SSL_CERT_FILE=/caminho/dele.pem."
    )


class StorageBlocked(WeightsError):
    """The hub answers, but the host that holds the bytes does not, or a filter stands before it."""

    code = "storage_blocked"
    en = (
        "{host} is blocked or not reachable ({detail}), and the files come from there: give your "
        "network team the output of `weights urls`."
    )
    pt = (
        "{host} está bloqueado ou inacessível ({detail}), e os arquivos vêm de lá: passe à equipe "
        "de rede a saída de `weights urls`."
    )


class Intercepted(StorageBlocked):
    """Something answers in the place of the host: a filter's page, a hotel's login."""

    code = "intercepted"
    en = (
        "Something else answers in the place of {host}, such as a filter's or a login page: give "
        "your network team the output of `weights urls`."
    )
    pt = (
        "Outra coisa responde no lugar de {host}, como a página de um filtro ou de login: passe à "
        "equipe de rede a saída de `weights urls`."
    )


class ConnectionLost(WeightsError):
    """The transfer broke off, several times in a row."""

    code = "connection_lost"
    en = "The connection to {host} keeps breaking; what came is kept: repeat the command to go on."
    pt = "A conexão com {host} cai sempre; o que chegou foi guardado: repita para continuar."


class HubBusy(WeightsError):
    """429 or 5xx."""

    code = "hub_busy"
    en = "{host} has trouble or too many requests ({status}): wait some minutes, then repeat."
    pt = "{host} está com problemas ou sobrecarregado ({status}): espere minutos e repita."


class DiskFull(WeightsError):
    """Too little room; `needed`, if known, and `free` are bytes."""

    code = "disk_full"
    sizes = ("needed", "free")
    en = (
        "Too little room in {folder}: {needed} are needed and {free} are free; free some, or name "
        "another disk with CXR_DEMO_MODELS."
    )
    pt = (
        "Falta espaço em {folder}: são necessários {needed} e há {free} livres; libere espaço, ou "
        "indique outro disco com CXR_DEMO_MODELS."
    )


class FolderRefused(WeightsError):
    """The system does not let us write there."""

    code = "folder_refused"
    en = "{folder} cannot be written to ({detail}): name another with CXR_DEMO_MODELS."
    pt = "Não é possível gravar em {folder} ({detail}): indique outra pasta com CXR_DEMO_MODELS."


class WrongHash(WeightsError):
    """What came is not what its publisher names."""

    code = "wrong_hash"
    en = (
        "{file} is not what its publisher or record names (its SHA-256 differs) and was not kept: "
        "fetch or copy it again; if it stays so, something on the way alters files."
    )
    pt = (
        "{file} não é o que indica quem publica ou o registro (o SHA-256 difere) e não foi "
        "mantido: baixe ou copie de novo; se persistir, algo no caminho altera os arquivos."
    )


class AlreadyFetching(WeightsError):
    """Another process writes into the same folder."""

    code = "already_fetching"
    en = "Another process is fetching or importing {model}: wait for it, or stop it first."
    pt = "Outro processo está baixando ou importando {model}: espere, ou pare-o antes."


class Stopped(WeightsError):
    """The user paused."""

    code = "fetch_stopped"
    en = "Paused; what came is kept: the same command goes on from there."
    pt = "Em pausa; o que chegou foi guardado: o mesmo comando continua dali."


class NoRecord(WeightsError):
    """A folder without the record that `fetch` and `import` write."""

    code = "weights_no_record"
    en = (
        "Nothing says what the files of {model} should be: run `weights fetch {model}`, or "
        "`weights import` with the folder that you copied."
    )
    pt = (
        "Nada diz como deveriam ser os arquivos de {model}: execute `weights fetch {model}`, ou "
        "`weights import` com a pasta copiada."
    )


class UnrecordedBeside(NoRecord):
    """As NoRecord, where other folders of the model could be verified."""

    code = "weights_unrecorded_beside"
    en = (
        "No record says what {count} of the files should be, so they were not verified: compare "
        "their hashes with those of `weights urls {model}`, or run `weights fetch {model}`."
    )
    pt = (
        "Nenhum registro diz como deveriam ser {count} dos arquivos, que não foram verificados: "
        "compare os hashes com os de `weights urls {model}`, ou execute `weights fetch {model}`."
    )


class NothingThere(WeightsError):
    """There is no folder to delete or to verify."""

    code = "weights_nothing_there"
    en = "Nothing of {model} is in {folder}: `weights list` shows what is on this machine."
    pt = "Nada de {model} está em {folder}: `weights list` mostra o que há nesta máquina."


class ImportRefused(WeightsError):
    """The folder is no complete copy of a model that the app knows."""

    code = "import_refused"
    en = "{folder} cannot be imported: {detail}. Choose the folder with the model's files."
    pt = "{folder} não pode ser importada: {detail}. Escolha a pasta com os arquivos do modelo."


class CannotPrepare(WeightsError):
    """No copy is made of this model in this precision."""

    code = "cannot_prepare"
    en = "{model} is not prepared in {precision}: choose one of {offered}."
    pt = "{model} não é preparado em {precision}: escolha entre {offered}."


class NeverPrepared(CannotPrepare):
    """It is no model that is quantised."""

    code = "never_prepared"
    en = "{model} is used as it is published: there is nothing to prepare."
    pt = "{model} é usado como foi publicado: não há o que preparar."


class PrepareStopped(Stopped):
    """The user stopped it, or its process was asked to end."""

    code = "prepare_stopped"
    en = "Stopped; the files that were finished are kept: the same command goes on behind them."
    pt = "Parado; os arquivos já terminados foram guardados: o mesmo comando continua dali."


class NotAFolder(ImportRefused):
    """Nothing, or a file, lies where the folder should be."""

    code = "import_not_a_folder"
    en = "{folder} is not a folder on this machine: give the whole path of the folder."
    pt = "{folder} não é uma pasta nesta máquina: indique o caminho completo da pasta."


class OwnPlace(ImportRefused):
    """The folder is where the model belongs already."""

    code = "import_own_place"
    en = "{folder} is the model's own place: there is nothing to import; verify it instead."
    pt = "{folder} já é o lugar do modelo: não há o que importar; verifique-o."


class NotThisModel(ImportRefused):
    """The folder holds tensors of another model."""

    code = "import_not_this_model"
    en = "{folder} does not hold {model} ({detail}): choose that model's folder."
    pt = "{folder} não contém {model} ({detail}): escolha a pasta desse modelo."


class NotWhole(ImportRefused):
    """The folder lacks files of the model."""

    code = "import_not_whole"
    en = "{folder} cannot be imported without {names}: copy the model's folder as a whole."
    pt = "{folder} não pode ser importada sem {names}: copie a pasta do modelo inteira."


class CutShort(ImportRefused):
    """A file is not whole, as sizes and headers tell before anything is copied."""

    code = "import_cut_short"
    en = "{folder} cannot be imported: {file} is cut short or damaged there. Copy it anew."
    pt = "{folder} não pode ser importada: {file} está cortado ou danificado ali. Copie-o de novo."


class ModelNotNamed(ImportRefused):
    """Neither a record nor the folder's name says which model it is."""

    code = "import_model_not_named"
    en = "{folder} does not say which model it holds: name it with --model {known}."
    pt = "{folder} não diz qual modelo contém: indique-o com --model {known}."
