"""Clusters where no pod may start as root, as the pod security level "restricted" demands.

    from rc2hub.hub.spawners.restricted import restrict
    restrict(c)

It comes after the operator's settings of pods, because it adds to them, and before `install(c)`.
"""

import functools
import sys
from collections.abc import Callable, Mapping
from typing import Any

from jupyterhub.slugs import safe_slug
from jupyterhub.utils import maybe_future

from rc2hub.hub.pool.pod_standby import compute_container
from rc2hub.hub.spawners.accounts import default_uid
from rc2hub.hub.trait_values import setting
from rc2hub.profiles import Profiles


def restrict(c: Any) -> None:
    """Start each pod as its user's account, with this user's home alone; so no standby can be kept ready.

    Raises:
        SystemExit: with one sentence, if a profile keeps standbys.
    """
    catalogue = setting(c, "Profiles", "catalogue", Profiles().catalogue)
    if isinstance(catalogue, list):  # `install` reports what else is wrong
        c.Profiles.catalogue = [_without_standbys(*each) for each in enumerate(catalogue)]
    c.KubeSpawner.setdefault("uid", uid_of)
    c.KubeSpawner.setdefault("gid", uid_of)
    c.KubeSpawner.setdefault("pod_security_context", {"runAsNonRoot": True})
    c.KubeSpawner.modify_pod_hook = functools.partial(mount_own_home_only, c.KubeSpawner.get("modify_pod_hook"))


def _without_standbys(index: int, profile: Any) -> Any:
    if not isinstance(profile, Mapping):
        return profile
    if profile.get("spare"):
        sys.exit(f"rc2hub: c.Profiles.catalogue[{index}]: 'spare' must be 0, because a standby starts as root.")
    return {**profile, "spare": 0}


def uid_of(spawner: Any) -> int:
    """The user id of the spawner's user, the same on every hub."""
    return default_uid(spawner.user.name)


async def mount_own_home_only(hook: Callable[[Any, Any], Any] | None, spawner: Any, pod: Any) -> Any:
    """Mount the user's own home instead of all homes, after the operator's own hook."""
    if hook:
        pod = await maybe_future(hook(spawner, pod))
    home = safe_slug(spawner.user.name)
    for mount in compute_container(pod).volume_mounts:
        if getattr(mount, "mount_path", None) == spawner.homes_dir:  # mounts of Rc² are dictionaries, and elsewhere
            mount.mount_path, mount.sub_path = f"{spawner.homes_dir}/{home}", "/".join(filter(None, [mount.sub_path, home]))
    return pod
