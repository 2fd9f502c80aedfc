# shellcheck shell=bash
# Background processes of the host, identified by process ID and start time: the kernel reuses IDs.

started_at() { awk '{ sub(/.*\) /, ""); if ($1 != "Z") print $20 }' "/proc/$1/stat" 2>/dev/null || true; }

ended() { [ -z "$(started_at "$1")" ]; }

pid_of() { cut -d ' ' -f 1 "$RUN/process/$1"; }

running() {
    local pid since
    read -r pid since 2>/dev/null <"$RUN/process/$1" && [ "$(started_at "$pid")" = "$since" ]
}

# start NAME COMMAND...: does nothing if it is already running.
start() {
    local name=$1
    shift
    running "$name" && return
    env "$MARK" setsid nohup "$@" >>"$RUN/log/$name.log" 2>&1 </dev/null 9>&- &
    echo "$! $(started_at $!)" >"$RUN/process/$name"
}

# stop NAME: SIGTERM, and SIGKILL after five seconds.
stop() {
    local pid
    running "$1" || return 0
    pid=$(pid_of "$1")
    kill "$pid"
    within 5 ended "$pid" || kill -9 "$pid"
    wait_until 20 "the end of $1" ended "$pid"
    rm "$RUN/process/$1"
}

# Every process with the mark in its environment, recorded or not.
marked() {
    local environ
    for environ in /proc/[0-9]*/environ; do
        if tr '\0' '\n' 2>/dev/null <"$environ" | grep --quiet --line-regexp "$MARK"; then
            echo "${environ//[^0-9]/}"
        fi
    done
}

kill_marked() {
    local pids
    mapfile -t pids < <(marked)
    [ ${#pids[@]} -gt 0 ] || return 0
    kill -9 "${pids[@]}" 2>/dev/null || true
    local pid
    for pid in "${pids[@]}"; do wait_until 20 "the end of process $pid" ended "$pid"; done
}
