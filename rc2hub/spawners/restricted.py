"""Where no pod may start as root, as the pod security level "restricted" says (design D13).

    from rc2hub.spawners.restricted import restrict
    restrict(c)

It stands after what an operator writes of pods, because it adds to that, and before `install(c)`.
"""

import functools
import sys
from collections.abc import Callable, Mapping
from typing import Any

from jupyterhub.slugs import safe_slug
from jupyterhub.utils import maybe_future

from rc2hub.pool.pods import compute_container
from rc2hub.profiles import Profiles
from rc2hub.spawners.accounts import proposed_uid


def restrict(c: Any) -> None:
    """Have each pod be its person's account from the start, with her home alone; so none can be ready beforehand.

    Raises:
        SystemExit: with one sentence, if the operator wants some ready.
    """
    c.Profiles.catalogue = [_without_standbys(*each) for each in enumerate(Profiles(config=c).catalogue)]
    c.KubeSpawner.setdefault("uid", account)
    c.KubeSpawner.setdefault("gid", account)
    c.KubeSpawner.setdefault("pod_security_context", {"runAsNonRoot": True})
    c.KubeSpawner.modify_pod_hook = functools.partial(with_her_home_alone, c.KubeSpawner.get("modify_pod_hook"))


def _without_standbys(index: int, profile: Any) -> Any:
    if not isinstance(profile, Mapping):
        return profile  # `install` says what is wrong with it
    if profile.get("spare"):
        sys.exit(f"rc2hub: c.Profiles.catalogue[{index}]: 'spare' must be 0, because a standby starts as root.")
    return {**profile, "spare": 0}


def account(spawner: Any) -> int:
    """The number of the person's account, the same on every hub."""
    return proposed_uid(spawner.user.name)


async def with_her_home_alone(hook: Callable[[Any, Any], Any] | None, spawner: Any, pod: Any) -> Any:
    """The pod with the person's folder of the homes in place of all homes, after the operator's own hook."""
    if hook:
        pod = await maybe_future(hook(spawner, pod))
    home = safe_slug(spawner.user.name)
    for mount in compute_container(pod).volume_mounts:
        if getattr(mount, "mount_path", None) == spawner.homes:  # our own, which are dictionaries, are elsewhere
            mount.mount_path, mount.sub_path = f"{spawner.homes}/{home}", "/".join(filter(None, [mount.sub_path, home]))
    return pod
