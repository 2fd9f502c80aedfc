"""All private or undocumented names of other projects that Rc² uses. After an upgrade of one of them, run this file first.

A test fails if a name is missing or its parameters have changed, and another one if rc2hub uses a private name that has no
row. A row is one or more names with the same reason: name, its parameters in parentheses or a text in its source in quotes,
`@`, the file of rc2hub that uses it; below them why nothing public serves, and what to watch in a new version.
"""

import ast
import importlib
import inspect
import re
import subprocess
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.fixtures.hub import ROOT

UPSTREAM = """
kubespawner.KubeSpawner._start (self) @ hub/spawners/user_pod.py
    The public `start` needs JupyterHub's progress page. Watch: it returns the URL once the pod runs.
kubespawner.KubeSpawner._start_watching_pods (self, replace) @ hub/spawners/pod_template.py
kubespawner.KubeSpawner._start_watching_events (self, replace) @ hub/spawners/pod_template.py
    The pool needs the watches before the first spawner starts. Watch: they return after the first list.
kubespawner.KubeSpawner._start_watching_events (self, replace) @ hub/spawners/kube.py
kubespawner.reflector.ResourceReflector "self.watch_task = asyncio.create_task(self._watch_and_update())" @ hub/spawners/kube.py
    Overridden: a watch of events that has given up is started again. Watch: the task ends then; `first_load_future`.
kubespawner.KubeSpawner._start_watching_pods (self, replace) @ hub/spawners/kube.py
kubespawner.KubeSpawner._start_reflector (self, kind, reflector_class, replace, kwargs) @ hub/spawners/kube.py
    Overridden: KubeSpawner uses the pool's PodWatch. Watch: what it reads of a reflector, now `first_load_future` and `pods`.
kubespawner.KubeSpawner._get_pod_url (self, pod) @ hub/spawners/kube.py
    A claimed pod has the URL that KubeSpawner would give it. Watch: the pod is a dictionary.
kubespawner.KubeSpawner._expand_user_properties (self, template, slug_scheme) @ hub/spawners/user_pod.py
    A cold start has the pod name of KubeSpawner, also after a claim. Watch: the slug scheme.
kubespawner.KubeSpawner.pod_reflector @ hub/spawners/kube.py
kubespawner.KubeSpawner.pod_reflector @ hub/spawners/user_pod.py
    `poll` finds a restarted container in the watch that exists already. Watch: the keys `namespace/name` of `pods`.
kubespawner.KubeSpawner.events @ hub/spawners/kube.py
    The events of a cold start are shown to the user. Watch: dictionaries with `reason` and `message`, of this start only.
kubespawner.KubeSpawner.load_user_options (self) @ hub/spawners/user_pod.py
    Overridden: it runs once for each start, and the template pod has the overrides of its profile. Watch: who calls it.
kubespawner.KubeSpawner._start "pod = await maybe_future(self.modify_pod_hook(self, pod))" @ hub/spawners/user_pod.py
    The hook has run before `_start`, so it is taken away while `_start` runs. Watch: nothing else reads the trait.
kubespawner.KubeSpawner.is_pod_running (self, pod) @ hub/spawners/kube.py
    Overridden: a cold pod is activated before it is ready. Watch: `_start` waits for it.
kubespawner.KubeSpawner.get_pod_manifest (self) @ hub/spawners/user_pod.py
    Overridden: the pod without identity is made from this one. Watch: a model, before `modify_pod_hook`.
kubespawner.objects "name='notebook'" @ hub/pool/deployment.py
    The container of R is found by KubeSpawner's name for it. Watch: that name.
kubespawner.reflector.ResourceReflector.timeout_seconds @ configure.py
kubespawner.reflector.ResourceReflector.restart_seconds @ configure.py
kubespawner.reflector.ResourceReflector.request_timeout @ configure.py
    Defaults with which all pods are listed less often. Watch: KubeSpawner's own defaults.

jupyterhub.app.JupyterHub "self._start_future = asyncio.Future()" @ hub/background.py
jupyterhub.app.JupyterHub.http_server @ hub/background.py
    JupyterHub has no hook for the end of its start. Watch: both mean that the hub answers.
jupyterhub.app.JupyterHub "self.tornado_settings['services'] = self._service_map" @ hub/lab_files.py
    The address of the service with JupyterLab's files, also of one that the hub does not start. Watch: `url` and `prefix`.
jupyterhub.app.JupyterHub "self.tornado_settings['services'] = self._service_map" @ hub/broker_sync/desired_state.py
jupyterhub.spawner.Spawner.poll_and_notify (self) @ hub/broker_sync/desired_state.py
    A managed service that has ended is restarted at once, not at the next poll. Watch: `Service.managed` and `.spawner`.
jupyterhub.scopes.expand_scopes (scopes, owner, oauth_client) @ hub/broker_sync/grants.py
jupyterhub.orm.User.find (db, name) @ hub/broker_sync/grants.py
    Grants are scopes, and only this expands a user's roles and groups. Watch: how custom scopes are written in its answer.
jupyterhub.orm.User.roles @ hub/broker_sync/grants.py
jupyterhub.orm.User.groups @ hub/broker_sync/grants.py
jupyterhub.orm.Group.roles @ hub/broker_sync/grants.py
    The roles of all users are read in one statement. Watch: roles whose scopes change while the hub runs.
jupyterhub.user 'note = f"Server at {base_url}"' @ hub/spawners/base.py
jupyterhub.orm.APIToken.note @ hub/spawners/base.py
jupyterhub.orm.APIToken.user_id @ hub/spawners/base.py
jupyterhub.user.User.orm_user @ hub/spawners/base.py
    After a crash JupyterHub leaves the server's token, and only its note names the server. Watch: the text of the note.
jupyterhub.spawner.Spawner.orm_spawner @ hub/spawners/base.py
    Options and state are stored at once, in case the hub is killed. Watch: the columns `user_options` and `state`.
jupyterhub.user.User.sync_groups (self, group_names) @ hub/authenticators/oidc.py
    Groups change between two requests of a user. Watch: it stores them.
jupyterhub.handlers.base 'getattr(exception, "jupyterhub_message", message)' @ hub/spawners/spawn_errors.py
    The form shows this text without the name of the exception. Watch: form and API read it.
jupyterhub.handlers.base "self._token_authenticated" @ hub/authenticators/oidc.py
    JupyterHub 6.1 reads it after each login, but sets it only with a token. Watch: remove ours once it is always set.
jupyterhub.spawner.LocalProcessSpawner._signal (self, sig) @ hub/spawners/process.py
jupyterhub.spawner.LocalProcessSpawner.proc @ hub/spawners/process.py
jupyterhub.spawner.LocalProcessSpawner.pid @ hub/spawners/process.py
    The claimed process was not started by LocalProcessSpawner. Watch: `poll` and `wait_for_death` read them.
jupyterhub.handlers.BaseHandler.render_template (self, name, sync, ns) @ hub/authenticators/error_page.py
    A refused login has JupyterHub's own error page. Watch: the variables of error.html.
jupyterhub.httpclient.fetch (url, kwargs) @ hub/lab_files.py
jupyterhub.httpclient.fetch (url, kwargs) @ hub/broker_sync/client.py
    It has JupyterHub's TLS settings. Watch: it raises for a status of 400 and above.
jupyterhub.slugs.safe_slug (name, avoid_collisions, max_length, is_valid) @ hub/spawners/kube.py
    Homes, roles and pods have JupyterHub's slugs. Watch: the same name must have the same slug for ever, as homes have it.
jupyterhub.utils.get_browser_protocol (request) @ hub/authenticators/oidc.py
    The callback URL has the protocol of the browser. Watch: the headers that it believes.
jupyterhub.singleuser.extension.JupyterHubSingleUser.make_serverapp (kwargs) @ compute/standby_server.py
    A standby initializes the server in its own process. Watch: the environment that it reads.

oauthenticator.generic.GenericOAuthenticator._token_to_auth_model (self, token_info) @ hub/authenticators/oidc.py
    A refresh makes the same model as a login. Watch: it applies groups and admin.
oauthenticator.generic.GenericOAuthenticator._call_refresh_user_hook (self, user, auth_state) @ hub/authenticators/oidc.py
    The operator's hook works although `refresh_user` is replaced. Watch: None means that the hook does not decide.
oauthenticator.generic.GenericOAuthenticator.build_refresh_token_request_params (self, refresh_token) @ hub/authenticators/oidc.py
    A refresh token is exchanged as the parent does it. Watch: the answer goes to `get_token_info`.
oauthenticator.generic.GenericOAuthenticator.httpfetch (self, url, label, parse_json, raise_error, kwargs) @ hub/authenticators/oidc_client.py
    The discovery document is fetched with the operator's TLS settings. Watch: it ends in `fetch`.
oauthenticator.generic.GenericOAuthenticator.fetch (self, req, label, parse_json, kwargs) @ hub/authenticators/oidc_client.py
oauthenticator.generic.GenericOAuthenticator.get_token_info (self, handler, params) @ hub/authenticators/oidc_client.py
oauthenticator.generic.GenericOAuthenticator.token_to_user (self, token_info) @ hub/authenticators/oidc_client.py
oauthenticator.generic.GenericOAuthenticator.user_info_to_username (self, user_info) @ hub/authenticators/oidc_client.py
    Overridden: the parent logs tokens and claims, or has them in its errors. Watch: HTTPClientError and web.HTTPError.
oauthenticator.generic.GenericOAuthenticator.build_auth_state_dict (self, token_info, user_info) @ hub/authenticators/oidc.py
    Overridden: the time of the provider's answer is stored too. Watch: `token_response` in it.
oauthenticator.oauth2.guess_callback_uri (protocol, host, hub_server_url) @ hub/authenticators/oidc.py
    The callback URL with the protocol of the browser. Watch: its path.
oauthenticator.oauth2.OAuthCallbackHandler.check_error (self) @ hub/authenticators/oidc_handlers.py
oauthenticator.oauth2.OAuthLogoutHandler.handle_logout (self) @ hub/authenticators/oidc_handlers.py
oauthenticator.oauth2.OAuthLogoutHandler.render_logout_page (self) @ hub/authenticators/oidc_handlers.py
    Overridden: an error is one page, and a logout ends the provider's session. Watch: when the parent calls them.

jupyter_server.serverapp.ServerApp.initialize (self, argv, find_extensions, new_httpserver, starter_extension) @ compute/standby_server.py
jupyter_server.serverapp.ServerApp.init_httpserver (self) @ compute/standby_server.py
    A standby is initialized without a socket, which is opened after the activation. Watch: `new_httpserver=False`.
jupyter_server.serverapp.ServerApp.clear_instance () @ compute/warm_up.py
jupyter_server.gateway.gateway_client.GatewayClient @ compute/warm_up.py
jupyter_server.prometheus.metrics.ACTIVE_DURATION @ compute/warm_up.py
jupyter_server.prometheus.metrics.LAST_ACTIVITY @ compute/warm_up.py
urllib.parse.clear_cache () @ compute/warm_up.py
    They keep the server of the warm-up alive. Watch: others that do; tests/compute/test_warm_up.py names them.
jupyterlab_server.handlers 'self.settings.get("page_config_hook"' @ compute/extension.py
    Files come from the address that all servers share. Watch: JupyterHub's extension sets this hook too.
jupyter_server.serverapp '"kernel_websocket_connection_class"' @ compute/extension.py
    Messages of R are sent without delay, and with what its process writes. Watch: classes of connections have one base.
jupyter_server.services.kernels.connection.channels.ZMQChannelsWebsocketConnection.handle_outgoing_message (self, stream, outgoing_msg) @ compute/notebook_connection.py
    Extended: the output of R's process is one more message of R. Watch: it gets each message of `channels["iopub"]`, as frames.
jupyter_client.asynchronous.client.AsyncKernelClient._async_execute_interactive @ compute/kernel.py
    The public name is the same coroutine with the type of the blocking client. Watch: its type; then use the public name.
jupyter_client.provisioning.local_provisioner.LocalProvisioner.ports_cached @ compute/kernel.py
jupyter_client.provisioning.local_provisioner.LocalProvisioner.process @ compute/kernel.py
jupyter_client.provisioning.local_provisioner.LocalProvisioner.pid @ compute/kernel.py
jupyter_client.provisioning.local_provisioner.LocalProvisioner.pgid @ compute/kernel.py
jupyter_client.provisioning.local_provisioner.LocalProvisioner.connection_info @ compute/kernel.py
    A provisioner adopts the warm kernel's process. Watch: other fields of a running process.
tornado.web.RequestHandler "self._reason = " @ broker/api_handler.py
tornado.web.RequestHandler "self._reason = " @ broker/page.py
tornado.web.RequestHandler "self._reason = " @ gateways/executor_api.py
    `write_error` has no other way to the reason of the status. Watch: the field.

kubernetes_asyncio.client.api.core_v1_api "'_preload_content'" @ kubernetes/standby_api.py
kubernetes_asyncio.client.api.core_v1_api "'_preload_content'" @ kubernetes/pod_watch.py
kubernetes_asyncio.client.api.core_v1_api "'_preload_content'" @ kubernetes/exec_stream.py
kubernetes_asyncio.client.api.core_v1_api "'_request_timeout'" @ kubernetes/standby_api.py
kubernetes_asyncio.client.api.core_v1_api "'_request_timeout'" @ kubernetes/pod_watch.py
kubernetes_asyncio.client.api.core_v1_api "'_content_type'" @ kubernetes/standby_api.py
    Options of each call of the generated client. Watch: other names after a change of the generator.
kubernetes_asyncio.stream.ws_client.ERROR_CHANNEL @ kubernetes/exec_stream.py
kubernetes_asyncio.stream.ws_client.STDIN_CHANNEL @ kubernetes/exec_stream.py
kubernetes_asyncio.stream.ws_client.STDOUT_CHANNEL @ kubernetes/exec_stream.py
    The client reads a whole output, and the control stream needs lines. Watch: the subprotocol of the API server.
"""
R_NAMES = {
    'exists(".sys.timezone", baseenv())': "R keeps the time zone in it, which identity.R clears for the user's TZ.",
    'is.function(.expand_R_libs_env_var) && identical(names(formals(.expand_R_libs_env_var)), "x")': (
        "R expands %V and the like in R_LIBS_USER with it when it starts."
    ),
    "is.function(.First.sys) && is.null(formals(.First.sys))": "R attaches its default packages with it when it starts.",
    'is.function(parent.env(asNamespace("IRkernel"))$evaluate) && "comm_manager" %in% all.names(body(IRkernel::comm_manager))': (
        "panels.R replaces IRkernel's import of evaluate(), which runs each cell, and binds comm_manager in runtime_env."
    ),
    'any(grepl("jupyter:irkernel", sapply(lsf.str(asNamespace("IRkernel")), function(f) deparse(get(f, asNamespace("IRkernel"))))))': (
        "IRkernel attaches its functions under this name."
    ),
    'is.function(IRkernel:::add_to_user_searchpath) && "request" %in% names(formals(IRkernel:::Executor$def@refMethods$execute))': (
        "panels.R puts View() in the place of IRkernel's, and reads the request of a cell from the frame that calls evaluate()."
    ),
    'any(grepl("evaluate(request$content$code", deparse(IRkernel:::Executor$def@refMethods$execute), fixed = TRUE))': (
        "chunks.R replaces IRkernel's import evaluate(), to which each cell goes."
    ),
    'is.function(parent.env(asNamespace("IRkernel"))$evaluate)': "The same.",
}
"""R code that is TRUE while R and IRkernel have what rc2hub/compute uses, and why it uses that.

Watch in a new R: what it does when it starts, in src/library/profile/Common.R and src/library/base/baseloader.R.
"""
ROW = re.compile(
    r"""(?P<name>[\w.]+)(?: \((?P<parameters>.*)\)| (?P<quote>["'])(?P<source>.*)(?P=quote))? @ (?P<used_in>\S+)"""
)
PRIVATE = re.compile(r"_[a-z]\w*")
DOCUMENTED = {"_exit"}
"""`os._exit`, which Python documents."""


class Upstream(NamedTuple):
    name: str
    parameters: str | None
    source: str | None
    used_in: str

    def __str__(self) -> str:
        return f"{self.name}-{self.used_in}"


def read_rows() -> Iterator[Upstream]:
    for line in UPSTREAM.splitlines():
        if line.startswith("    "):
            assert " Watch: " in line, f"what is there to watch? {line}"
        elif line:
            row = ROW.fullmatch(line)
            assert row, line
            yield Upstream(row["name"], row["parameters"], row["source"], row["used_in"])


ROWS = list(read_rows())


def find(name: str) -> Any:
    """Import a module, or what a module has of that name."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            found = getattr(found, part)
        return found
    raise ModuleNotFoundError(parts[0])


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_an_upstream_name_exists_with_the_parameters_that_are_used(row: Upstream):
    found = find(row.name)
    if row.parameters is not None:
        assert ", ".join(inspect.signature(found).parameters) == row.parameters
    if row.source is not None:
        assert row.source in inspect.getsource(found)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_an_upstream_name_is_used_in_the_file_of_its_row(row: Upstream):
    names = [name for name in re.findall(r"\w+", row.source or "") if name.strip("_")]
    code = (ROOT / "rc2hub" / row.used_in).read_text()
    assert any(re.search(rf"\b{name}\b", code) for name in names or [row.name.rpartition(".")[2]])


@pytest.mark.parametrize("code", R_NAMES)
def test_a_private_name_of_r_exists(code: str):
    ran = subprocess.run(["R", "--slave", "-e", f"cat({code})"], capture_output=True, text=True, check=False)
    assert ran.stdout == "TRUE", ran.stderr


def own_names(tree: ast.Module) -> Iterator[str]:
    """The names that a module defines: functions, classes, variables, and fields of self or cls."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_self(node.value):
            yield node.attr


def is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in {"self", "cls"}


def private_names(tree: ast.Module, own_in_file: set[str], own_in_package: set[str]) -> Iterator[str]:
    """The private names that a module uses and that rc2hub does not define: attributes, imports, arguments, texts."""
    parts = {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values
    }  # no whole texts
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            names = {node.attr} - (own_in_package if is_self(node.value) else own_in_file)
        elif isinstance(node, ast.ImportFrom):
            names = {part for alias in node.names for part in f"{node.module}.{alias.name}".split(".")}
        elif isinstance(node, ast.Import):
            names = {part for alias in node.names for part in alias.name.split(".")}
        elif isinstance(node, ast.keyword):
            names = {node.arg or ""} - own_in_package
        elif isinstance(node, ast.Constant):
            names = {node.value} if isinstance(node.value, str) and id(node) not in parts else set()
        else:
            continue
        private = (name for name in names - DOCUMENTED if PRIVATE.fullmatch(name))
        yield from (name for name in private if not name.endswith("_"))


def test_every_private_name_that_rc2hub_uses_is_in_the_list():
    trees = {file: ast.parse(file.read_text()) for file in (ROOT / "rc2hub").rglob("*.py")}
    own = {file: set(own_names(tree)) for file, tree in trees.items()}
    used = {
        (str(file.relative_to(ROOT / "rc2hub")), name)
        for file, tree in trees.items()
        for name in private_names(tree, own[file], set().union(*own.values()))
    }
    listed = {
        (row.used_in, name) for row in ROWS for name in re.findall(r"\b_[a-z]\w*", row.name + " " + (row.source or ""))
    }
    assert used - listed == set(), "add a row, or use a public name"


def test_r_code_uses_no_internal_function_of_a_package():
    sources = [ROOT / "rc2hub/compute/identity.R", *(ROOT / "images/r-compute/rc2/R").glob("*.R")]
    internal = re.compile(r":::|getFromNamespace|\.Internal|assignInNamespace")
    assert [file.name for file in sources if internal.search(file.read_text())] == []
