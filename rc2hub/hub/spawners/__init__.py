"""JupyterHub's spawner hooks.

base.py           what both spawners share
process.py        compute servers as processes of this machine
kube.py           compute servers as pods; progress.py puts Kubernetes' events into words
user_pod.py       the pod of a user, made once for each start
pod_template.py   the pod that standbys are made from
form.py           the form of a request
group_folders.py  folders that groups share; accounts.py numbers users and groups
restricted.py     clusters where no pod may start as root
spawn_errors.py   how an error becomes JupyterHub's `SpawnException`
"""
