#!/bin/bash
# A Slurm cluster of one node on this machine, for trying batch files: Debian's
# slurm-wlm 22.05 (munged, slurmctld, slurmd), without systemd and without cgroups.
#
#     scripts/slurm-local.sh [--install] start DIR
#     scripts/slurm-local.sh status|stop DIR
#
# Everything it writes lies below DIR: slurm.conf, munge's key, state, spool and logs.
# The daemons and the jobs run as whoever starts it, root or not; a cluster of root's
# takes jobs of every user that can reach DIR. It listens on free ports of this host.
# The node has all cores and the memory, no GPU. There is no accounting: sacct knows
# nothing, DIR/log/jobs.txt has a line for each job that ended.
# --install lets apt-get install what is missing, which needs root.
set -euo pipefail

usage() {
    echo "usage: $0 [--install] start DIR | status DIR | stop DIR" >&2
    exit 2
}

fail() {
    echo "slurm-local: $*" >&2
    exit 1
}

install=
if [ "${1:-}" = --install ]; then
    install=1
    shift
fi
[ $# -eq 2 ] || usage
action=$1
dir=$(realpath -m -- "$2")
[[ $dir != *[[:space:]\"]* ]] || fail "$dir has a space or a quote in it, which slurm.conf cannot: name another directory"
PATH=$PATH:/usr/sbin:/sbin # where Debian has the daemons
export SLURM_CONF=$dir/slurm.conf

# alive NAME says whether the daemon of that name, started here, runs. One that has
# ended and that nobody waits for has no program any more.
alive() {
    local pid
    pid=$(cat "$dir/run/$1.pid" 2>/dev/null) && [[ $(readlink "/proc/$pid/exe") == */"$1"* ]]
}

# until_ok SECONDS COMMAND... tries until the command succeeds.
until_ok() {
    local seconds=$1
    shift
    for ((i = 0; i < seconds * 5; i++)); do
        if "$@" >/dev/null 2>&1; then return; fi
        sleep 0.2
    done
    return 1
}

# free_ports N prints N ports that nothing of this host listens at.
free_ports() {
    local port found=0
    for ((port = 16817; port < 17817 && found < $1; port++)); do
        if ! (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            found=$((found + 1))
        fi
    done
}

needs() {
    local missing=()
    for program in munged mungekey slurmctld slurmd sbatch srun; do
        command -v "$program" >/dev/null || missing+=("$program")
    done
    [ ${#missing[@]} -eq 0 ] && return
    if [ -z "$install" ]; then
        fail "not on PATH: ${missing[*]}. This needs Debian's packages slurm-wlm and munge: apt-get install -y slurm-wlm munge, or run this as root with --install"
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge
}

configure() {
    local host user cores memory controller daemon
    host=$(hostname -s)
    user=$(id -un)
    # As slurmd sees the machine; a node that has less than its line says is drained.
    cores=$(slurmd -C | grep -o 'CPUs=[0-9]*')
    memory=$(slurmd -C | grep -o 'RealMemory=[0-9]*')
    read -r -d '' controller daemon < <(free_ports 2 | tr '\n' ' ') || true
    cat >"$SLURM_CONF" <<CONF
ClusterName=local
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$controller
SlurmdPort=$daemon
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=$user
SlurmdUser=$user

AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket
CredType=cred/munge

StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/run/slurmctld.pid
SlurmdPidFile=$dir/run/slurmd.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd.log

# Processes are found by /proc: there need be no cgroups.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none

SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
JobRequeue=1

AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$dir/log/jobs.txt

NodeName=$host NodeAddr=127.0.0.1 $cores $memory
PartitionName=local Nodes=$host Default=YES MaxTime=INFINITE
CONF
    cat >"$dir/cgroup.conf" <<CONF
IgnoreSystemd=yes
CONF
}

start() {
    needs
    if alive slurmctld || alive slurmd; then
        fail "the cluster in $dir runs already; stop it first: $0 stop $dir"
    fi
    mkdir -p "$dir"/{munge,state,spool,run,log}
    # munged wants directories that others cannot write and a socket that they can reach.
    chmod 755 "$dir" "$dir/munge"
    if [ ! -e "$dir/munge/key" ]; then
        mungekey --create --keyfile="$dir/munge/key"
    fi
    configure
    if ! alive munged; then
        munged --socket="$dir/munge/socket" --key-file="$dir/munge/key" --seed-file="$dir/munge/seed" \
            --pid-file="$dir/run/munged.pid" --log-file="$dir/log/munged.log" ||
            fail "munged does not start: $(tail -n 1 "$dir/log/munged.log"). Its socket wants a DIR that every user can reach, of 80 letters at most"
    fi
    slurmctld || fail "slurmctld does not start; see $dir/log/slurmctld.log"
    until_ok 30 scontrol ping || fail "slurmctld does not answer; see $dir/log/slurmctld.log"
    slurmd || fail "slurmd does not start; see $dir/log/slurmd.log"
    until_ok 60 idle || fail "the node does not become idle: $(sinfo -h -N -o '%N %T %E'); see $dir/log/slurmd.log"
    sinfo
    echo "to use it: export SLURM_CONF=$SLURM_CONF"
}

idle() { [ "$(sinfo -h -N -o %T)" = idle ]; }

status() {
    local down=0
    for daemon in munged slurmctld slurmd; do
        if alive "$daemon"; then
            echo "$daemon runs, process $(cat "$dir/run/$daemon.pid")"
        else
            echo "$daemon does not run"
            down=1
        fi
    done
    [ "$down" -eq 0 ] || exit 1
    sinfo -N -l
    squeue
}

# stop ends the jobs first: they would outlive the daemons.
stop() {
    if alive slurmctld && alive slurmd; then
        scancel --partition=local --quiet || true
        until_ok 60 empty || echo "slurm-local: jobs are left: $(squeue -h | tr '\n' ';')" >&2
    fi
    for daemon in slurmd slurmctld munged; do
        if alive "$daemon"; then
            kill "$(cat "$dir/run/$daemon.pid")"
            until_ok 30 gone "$daemon" || fail "$daemon, process $(cat "$dir/run/$daemon.pid"), does not end"
        fi
    done
}

empty() { [ -z "$(squeue -h)" ]; }
gone() { ! alive "$1"; }

case $action in
start) start ;;
status) status ;;
stop) stop ;;
*) usage ;;
esac
