"""The environment variables that a compute server has for life, whatever is attached to it when (DESIGN D16)."""

from pathlib import Path

from rc2hub.profiles import Profile


def server_environment(profile: Profile, attachments_dir: str | Path) -> dict[str, str]:
    """The variables of every compute server of a profile; each pool adds its own.

    Args:
        profile: its profile.
        attachments_dir: the folder in memory for the files of attached services.
    """
    cores = str(max(1, int(profile.cpu)))
    return {
        "RC2_ATTACHMENTS_DIR": str(attachments_dir),
        "RC2_PROFILE": profile.name,
        "PGSERVICEFILE": f"{attachments_dir}/pg_service.conf",
        "PGPASSFILE": f"{attachments_dir}/pgpass",
        "JUPYTER_RUNTIME_DIR": f"{attachments_dir}/jupyter",
        "JUPYTER_DEFAULT_PROVISIONER_NAME": "rc2-standby",
        "RETICULATE_REMAP_OUTPUT_STREAMS": "1",  # R prints what Python prints, so the notebook shows it in order
        "RC2_CORES": cores,
        "OMP_NUM_THREADS": cores,
        "OPENBLAS_NUM_THREADS": cores,
        "MC_CORES": cores,
        "R_PARALLELLY_AVAILABLECORES_FALLBACK": cores,
        "R_PARALLELLY_AVAILABLECORES_METHODS": "system,mc.cores,fallback",  # others count the node's, and warn
    }
