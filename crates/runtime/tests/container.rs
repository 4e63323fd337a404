//! Single containers: what runs, as whom, with what result. Needs root.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod common;

use std::time::{Duration, Instant};

use common::{Host, code, texts};
use landfall_runtime::{
    ContainerStatus, ExecSpec, Mount, Network, Runtime, RuntimeError, StartFailureKind, Stream, Ulimit,
};

fn start_error(result: Result<ContainerStatus, RuntimeError>) -> (StartFailureKind, String) {
    match result {
        Err(RuntimeError::Start(failure)) => (failure.kind, failure.message),
        other => panic!("not a start failure: {other:?}"),
    }
}

#[test]
fn programs_run_and_their_exit_codes_arrive() {
    let host = Host::new("exit");
    for (script, expected) in [
        ("true", 0),
        ("false", 1),
        ("exit 42", 42),
        ("sh -c 'kill -9 $$'; exit $?", 137),
        ("sh -c 'kill -TERM $$'; exit $?", 143),
    ] {
        assert_eq!(code(&host.sh(script).0), expected, "{script}");
    }
    host.assert_nothing_left();
}

#[test]
fn both_streams_are_logged_apart() {
    let host = Host::new("streams");
    let sandbox = host.sandbox("s", Network::None);
    let spec = host.container("c", &sandbox, &["/bin/sh", "-c", "echo out; echo err >&2; printf tail"]);
    host.runtime.start_container(&spec).unwrap();
    host.end_of(&spec.id);
    let frames = host.frames(&spec.id);
    assert_eq!(texts(&frames, Stream::Stdout), ["out", "tail"]);
    assert_eq!(texts(&frames, Stream::Stderr), ["err"]);
    host.assert_nothing_left();
}

#[test]
fn environment_user_and_directory_are_as_asked() {
    let host = Host::new("env");
    let (_, output) = host.run("echo $PLAIN-$HOME; id; pwd; hostname; umask", |spec| {
        spec.env.push(("PLAIN".into(), "value".into()));
        spec.user = "web".into();
        spec.cwd = "/made/by/runtime".into();
    });
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(lines[0], "value-/home/web");
    assert_eq!(lines[1], "uid=1000(web) gid=1001(web) groups=55(extra)");
    assert_eq!(lines[2], "/made/by/runtime");
    assert!(lines[3].starts_with('s'));
    assert_eq!(lines[4], "0022");
    assert_eq!(host.run("id -u; id -g; echo $HOME", |spec| spec.user = "77:88".into()).1, "77\n88\n/\n");
    host.assert_nothing_left();
}

#[test]
fn secrets_are_never_on_disk() {
    let host = Host::new("secret");
    let sandbox = host.sandbox("s", Network::None);
    let mut spec = host.container("c", &sandbox, &["/bin/sleep", "60"]);
    spec.env.push(("TOKEN".into(), "swordfish-4711".into()));
    host.runtime.start_container(&spec).unwrap();
    let found = std::process::Command::new("grep")
        .args(["-r", "swordfish-4711"])
        .arg(&host.config.dir)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
    assert!(!format!("{spec:?}").contains("swordfish"));
    // The shim's own environment and arguments are anybody's to read.
    host.assert_nothing_left();
}

#[test]
fn a_program_that_cannot_start_is_reported_in_runcs_words() {
    let host = Host::new("noexec");
    std::fs::write(host.layer.join("etc/garbage"), "not a program").unwrap();
    std::os::unix::fs::PermissionsExt::set_mode(
        &mut std::fs::metadata(host.layer.join("etc/garbage")).unwrap().permissions(),
        0o755,
    );
    let cases: [(&[&str], StartFailureKind, &str); 5] = [
        (&["/nope"], StartFailureKind::NotFound, "exec: \"/nope\": stat /nope: no such file or directory"),
        (&["nope"], StartFailureKind::NotFound, "exec: \"nope\": executable file not found in $PATH"),
        (&["/etc/passwd"], StartFailureKind::NotExecutable, "exec: \"/etc/passwd\": permission denied"),
        (&["/etc"], StartFailureKind::NotExecutable, "exec: \"/etc\": is a directory"),
        (
            &["/etc/passwd/x"],
            StartFailureKind::NotFound,
            "exec: \"/etc/passwd/x\": stat /etc/passwd/x: not a directory",
        ),
    ];
    for (args, kind, message) in cases {
        assert_eq!(start_error(host.try_run(args, |_| {}).0), (kind, message.to_owned()));
        assert_eq!(start_error(host.try_run(args, |spec| spec.init = true).0), (kind, message.to_owned()));
    }
    let unknown = host.try_run(&["true"], |spec| spec.user = "ghost".into()).0;
    assert_eq!(start_error(unknown).1, "unable to find user ghost: no matching entries in passwd file");
    let (kind, message) = start_error(host.try_run(&["true"], |spec| spec.cwd = "/etc/passwd".into()).0);
    assert_eq!(
        (kind, message.as_str()),
        (StartFailureKind::WorkingDirectory, "chdir to cwd (\"/etc/passwd\") failed: not a directory")
    );
    host.assert_nothing_left();
}

#[test]
fn too_much_memory_is_an_oom_kill() {
    let host = Host::new("oom");
    let (status, _) = host.run("head -c 100m /dev/zero | tail", |spec| spec.limits.memory = Some(32 << 20));
    assert!(matches!(status, ContainerStatus::Exited { code: 137, oom_killed: true, .. }), "{status:?}");
    let (status, _) = host.run("exit 137", |spec| spec.limits.memory = Some(32 << 20));
    assert!(matches!(status, ContainerStatus::Exited { code: 137, oom_killed: false, .. }), "{status:?}");
    host.assert_nothing_left();
}

#[test]
fn limits_hold_and_can_be_seen_but_not_changed() {
    let host = Host::new("limits");
    let (_, output) = host.run(
        "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max
         echo 999999999 > /sys/fs/cgroup/memory/memory.limit_in_bytes; mkdir /sys/fs/cgroup/memory/sub
         cat /proc/self/cgroup | grep memory; ulimit -n",
        |spec| {
            spec.limits.memory = Some(64 << 20);
            spec.limits.pids = Some(17);
            spec.limits.ulimits = vec![Ulimit { name: "nofile".into(), soft: 123, hard: 456 }];
        },
    );
    assert!(output.starts_with("67108864\n17\n"), "{output}");
    assert_eq!(output.matches("Read-only file system").count(), 2, "{output}");
    assert!(output.contains(":memory:/\n"), "{output}");
    assert!(output.ends_with("123\n"), "{output}");
    let (status, output) = host
        .run("for i in 1 2 3 4 5 6 7 8 9; do sleep 5 & done; echo all", |spec| spec.limits.pids = Some(5));
    assert!(code(&status) != 0 && output.contains("can't fork"), "{output}");
    let (status, _) = host.run("true", |spec| {
        spec.limits.ulimits = vec![Ulimit { name: "memlock".into(), soft: u64::MAX, hard: u64::MAX }];
    });
    assert_eq!(code(&status), 0, "a limit above the host's is lowered");
    host.assert_nothing_left();
}

#[test]
fn a_read_only_root_and_mounts() {
    let host = Host::new("mounts");
    let shared = host.dir.path().join("shared");
    std::fs::create_dir(&shared).unwrap();
    std::fs::write(shared.join("in"), "from the host").unwrap();
    let (_, output) = host.run(
        "echo x > /file; echo x > /tmp/ok && echo tmp; cat /data/in; echo; echo x > /data/no; echo x > /rw/back; ls /missing",
        |spec| {
            spec.readonly_rootfs = true;
            spec.mounts = vec![
                Mount::Tmpfs { target: "/tmp".into(), size: Some(1 << 20), options: vec!["mode=1777".into()] },
                Mount::Bind { source: shared.clone(), target: "/data".into(), readonly: true },
                Mount::Bind { source: shared.clone(), target: "/rw".into(), readonly: false },
                Mount::Bind { source: shared.join("created"), target: "/missing".into(), readonly: false },
            ];
        },
    );
    assert!(output.contains("can't create /file: Read-only file system"), "{output}");
    assert!(output.contains("tmp\nfrom the host\n"), "{output}");
    assert!(output.contains("can't create /data/no: Read-only file system"), "{output}");
    assert_eq!(std::fs::read_to_string(shared.join("back")).unwrap(), "x\n");
    assert!(shared.join("created").is_dir());
    host.assert_nothing_left();
}

#[test]
fn confinement_is_dockers() {
    let host = Host::new("confined");
    let (_, output) = host.sh("grep -E 'CapEff|CapBnd|CapInh|Seccomp:|NoNewPrivs' /proc/self/status");
    for line in [
        "CapInh:\t0000000000000000",
        "CapEff:\t00000000a80425fb",
        "CapBnd:\t00000000a80425fb",
        "NoNewPrivs:\t0",
        "Seccomp:\t2",
    ] {
        assert!(output.contains(line), "{line} in:\n{output}");
    }
    let (_, output) = host.run("grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status", |spec| {
        spec.user = "web".into();
        spec.no_new_privileges = true;
    });
    assert_eq!(output, "CapEff:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n");
    let (_, output) =
        host.run("grep CapEff /proc/self/status", |spec| spec.capabilities.drop = vec!["ALL".into()]);
    assert_eq!(output, "CapEff:\t0000000000000000\n");
    let script = "ls /proc/scsi /sys/firmware /proc/acpi 2>&1 | grep -v : | wc -l; cat /proc/interrupts /proc/keys | wc -c; \
        echo 1 > /proc/sys/kernel/panic; mount -t tmpfs x /tmp; unshare -m true; unshare -U true; \
        mknod /tmp/disk b 8 0 && cat /tmp/disk; echo x > /sys/kernel/profiling; cat /proc/1/environ >/dev/null; ls -l /dev/null";
    let (_, output) = host.sh(script);
    assert_eq!(output.lines().nth(1), Some("0"), "masked files are empty: {output}");
    assert!(output.matches("Read-only file system").count() == 2, "{output}");
    assert!(output.contains("mount: permission denied") || output.contains("mount: mounting"), "{output}");
    assert_eq!(output.matches("unshare: ").count(), 2, "{output}");
    assert!(output.contains("can't open '/tmp/disk': Operation not permitted"), "{output}");
    assert!(output.contains("crw-rw-rw-"), "{output}");
    host.assert_nothing_left();
}

#[test]
fn a_hostile_image_cannot_reach_the_host() {
    let host = Host::new("hostile");
    let outside = host.dir.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("shadow"), "untouched").unwrap();
    std::os::unix::fs::symlink(outside.join("shadow"), host.layer.join("etc/hosts")).unwrap();
    std::os::unix::fs::symlink(
        "../../../../../../../../../proc/self/environ",
        host.layer.join("etc/passwd-"),
    )
    .unwrap();
    std::os::unix::fs::symlink("../../../../../../../../etc/dangling", host.layer.join("etc/hostname"))
        .unwrap();
    std::os::unix::fs::symlink(&outside, host.layer.join("escape")).unwrap();
    let (status, output) = host.run("cat /etc/hosts; cat /etc/hostname; echo pwned > /etc/hosts", |spec| {
        let target = "/escape/made".into();
        spec.mounts = vec![Mount::Tmpfs { target, size: None, options: Vec::new() }];
    });
    assert_eq!(code(&status), 0, "{output}");
    assert!(output.contains("localhost"), "{output}");
    assert_eq!(std::fs::read_to_string(outside.join("shadow")).unwrap(), "untouched");
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 1);
    std::fs::remove_dir(host.layer.join("proc")).unwrap();
    std::os::unix::fs::symlink("/etc", host.layer.join("proc")).unwrap();
    let (kind, message) = start_error(host.try_run(&["true"], |_| {}).0);
    assert_eq!(kind, StartFailureKind::Mount);
    assert!(message.starts_with("cannot mount `/proc`"), "{message}");
    host.assert_nothing_left();
}

#[test]
fn the_servers_binary_cannot_be_written_through_proc() {
    let host = Host::new("runc");
    let (_, output) =
        host.run("sleep 1; echo x >> /proc/1/exe; ls -l /proc/1/exe | wc -l", |spec| spec.init = true);
    assert!(
        output.contains("can't create /proc/1/exe: Read-only file system")
            || output.contains("can't create /proc/1/exe: Permission denied"),
        "{output}"
    );
    host.assert_nothing_left();
}

#[test]
fn stop_asks_first_and_then_kills() {
    let host = Host::new("stop");
    let sandbox = host.sandbox("s", Network::None);
    let polite = host.container(
        "polite",
        &sandbox,
        &["/bin/sh", "-c", "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.1; done"],
    );
    host.runtime.start_container(&polite).unwrap();
    host.wait_for_line(&polite.id, "up");
    let status = host.runtime.stop_container(&polite.id, Duration::from_secs(20)).unwrap();
    assert_eq!(code(&status), 3);
    assert_eq!(host.output(&polite.id), "up\nbye\n");
    let deaf = host.container(
        "deaf",
        &sandbox,
        &["/bin/sh", "-c", "trap '' TERM; echo up; sleep 100 & while :; do sleep 1; done"],
    );
    host.runtime.start_container(&deaf).unwrap();
    host.wait_for_line(&deaf.id, "up");
    let begun = Instant::now();
    let status = host.runtime.stop_container(&deaf.id, Duration::from_millis(300)).unwrap();
    assert_eq!(code(&status), 137);
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert_eq!(
        host.runtime.stop_container(&deaf.id, Duration::ZERO).unwrap(),
        status,
        "stopping twice changes nothing"
    );
    let mut quit = host.container(
        "quit",
        &sandbox,
        &["/bin/sh", "-c", "trap 'exit 5' QUIT; echo up; while :; do sleep 0.1; done"],
    );
    quit.stop_signal = Some("SIGQUIT".into());
    host.runtime.start_container(&quit).unwrap();
    host.wait_for_line(&quit.id, "up");
    assert_eq!(code(&host.runtime.stop_container(&quit.id, Duration::from_secs(20)).unwrap()), 5);
    host.assert_nothing_left();
}

#[test]
fn an_init_forwards_signals_and_collects_orphans() {
    let host = Host::new("init");
    let sandbox = host.sandbox("s", Network::None);
    let script = "trap 'exit 7' TERM; (sleep 0.2 &) ; sleep 0.6; ps -o pid,stat,comm | grep -c Z; echo up $$; while :; do sleep 0.1; done";
    let mut spec = host.container("c", &sandbox, &["/bin/sh", "-c", script]);
    spec.init = true;
    host.runtime.start_container(&spec).unwrap();
    host.wait_for_line(&spec.id, "up 2");
    assert!(host.output(&spec.id).starts_with("0\n"), "{}", host.output(&spec.id));
    assert_eq!(code(&host.runtime.stop_container(&spec.id, Duration::from_secs(20)).unwrap()), 7);
    assert_eq!(code(&host.run("exit 9", |spec| spec.init = true).0), 9);
    host.assert_nothing_left();
}

#[test]
fn an_ended_container_starts_again_with_its_files_and_log() {
    let host = Host::new("again");
    let sandbox = host.sandbox("s", Network::None);
    let spec = host.container("c", &sandbox, &["/bin/sh", "-c", "echo x >> /count; wc -l < /count"]);
    host.runtime.start_container(&spec).unwrap();
    assert!(
        matches!(host.runtime.start_container(&spec), Err(RuntimeError::Exists(_)))
            || code(&host.end_of(&spec.id)) == 0
    );
    host.end_of(&spec.id);
    host.runtime.start_container(&spec).unwrap();
    host.end_of(&spec.id);
    assert!(host.output(&spec.id).starts_with("1\n2\n"), "{}", host.output(&spec.id));
    host.assert_nothing_left();
}

#[test]
fn commands_run_inside_with_the_containers_permissions() {
    let host = Host::new("exec");
    let sandbox = host.sandbox("s", Network::None);
    let mut spec =
        host.container("c", &sandbox, &["/bin/sh", "-c", "echo mine > /tmp/mark; echo up; sleep 100"]);
    spec.limits.memory = Some(64 << 20);
    host.runtime.start_container(&spec).unwrap();
    host.wait_for_line(&spec.id, "up");
    let exec = |script: &str, timeout| {
        let args = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
        let command =
            ExecSpec { args, env: vec![("X".into(), "y".into())], cwd: "/".into(), user: "".into() };
        host.runtime.exec(&spec.id, &command, timeout)
    };
    let outcome = exec("cat /tmp/mark; echo $X; grep -E 'CapEff|Seccomp:' /proc/self/status; cat /proc/self/cgroup | grep memory; exit 4", Duration::from_secs(20)).unwrap();
    assert_eq!(outcome.code, Some(4));
    let expected = "mine\ny\nCapEff:\t00000000a80425fb\nSeccomp:\t2\n4:memory:/\n";
    assert_eq!(String::from_utf8_lossy(&outcome.output), expected);
    assert_eq!(exec("sleep 100", Duration::from_millis(200)).unwrap().code, None);
    let missing = ExecSpec { args: vec!["/nope".into()], env: Vec::new(), cwd: "/".into(), user: "".into() };
    let error = host.runtime.exec(&spec.id, &missing, Duration::from_secs(5)).unwrap_err();
    assert_eq!(error.to_string(), "exec: \"/nope\": stat /nope: no such file or directory");
    assert!(host.runtime.usage(&spec.id).unwrap().memory_bytes > 0);
    host.assert_nothing_left();
}

#[test]
fn the_containers_environment_is_there_for_commands() {
    let host = Host::new("execenv");
    let sandbox = host.sandbox("s", Network::None);
    for init in [false, true] {
        let mut spec =
            host.container(&format!("c{init}"), &sandbox, &["/bin/sh", "-c", "echo up; sleep 100"]);
        spec.env = vec![("SECRET".into(), "kept in memory".into()), ("BOTH".into(), "container".into())];
        spec.init = init;
        host.runtime.start_container(&spec).unwrap();
        host.wait_for_line(&spec.id, "up");
        let args = ["/bin/sh", "-c", "echo $SECRET, $BOTH"].map(str::to_owned).to_vec();
        let command =
            ExecSpec { args, env: vec![("BOTH".into(), "command".into())], cwd: "/".into(), user: "".into() };
        let outcome = host.runtime.exec(&spec.id, &command, Duration::from_secs(20)).unwrap();
        assert_eq!(String::from_utf8_lossy(&outcome.output), "kept in memory, command\n", "init: {init}");
    }
    host.assert_nothing_left();
}

#[test]
fn privileged_containers_may_do_all() {
    let host = Host::new("privileged");
    let (status, output) = host.run(
        "mount -t tmpfs x /tmp && mknod /tmp/n c 1 3 && grep -E 'Seccomp:|CapEff' /proc/self/status",
        |spec| spec.privileged = true,
    );
    assert_eq!(code(&status), 0, "{output}");
    assert!(output.contains("Seccomp:\t0"), "{output}");
    host.assert_nothing_left();
}

/// A hybrid host has version 2 without controllers; what needs none works there.
#[test]
fn unified_control_groups_hold_containers() {
    let text = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mount = text
        .lines()
        .find(|line| line.contains(" - cgroup2 "))
        .and_then(|line| line.split(' ').nth(4))
        .unwrap();
    let host = Host::with("unified", |config| config.unified_cgroups = Some(mount.into()));
    let script = "exec 2>&1; cat /proc/self/cgroup | tail -n1; ls /sys/fs/cgroup/cgroup.procs; mkdir /sys/fs/cgroup/x; \
        mknod /null c 1 3 && echo ok > /null && echo null; mknod /kmsg c 1 11; cat /kmsg; sleep 100 & echo ready; wait";
    let sandbox = host.sandbox("s", Network::None);
    let spec = host.container("c", &sandbox, &["/bin/sh", "-c", script]);
    host.runtime.start_container(&spec).unwrap();
    host.wait_for_line(&spec.id, "ready");
    let output = host.output(&spec.id);
    assert!(output.contains("0::/\n") && output.contains("/sys/fs/cgroup/cgroup.procs\n"), "{output}");
    assert!(
        output.contains("mkdir: can't create directory '/sys/fs/cgroup/x': Read-only file system"),
        "{output}"
    );
    assert!(
        output.contains("null\n") && output.contains("can't open '/kmsg': Operation not permitted"),
        "{output}"
    );
    assert_eq!(code(&host.runtime.stop_container(&spec.id, Duration::from_millis(50)).unwrap()), 137);
    host.assert_nothing_left();
}

#[test]
fn many_at_once() {
    let host = Host::new("many");
    let sandbox = host.sandbox("s", Network::None);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (host, sandbox) = (&host, &sandbox);
            scope.spawn(move || {
                for number in 0..6 {
                    let spec = host.container(
                        &format!("c{thread}-{number}"),
                        sandbox,
                        &["/bin/sh", "-c", &format!("echo {thread}; exit {number}")],
                    );
                    host.runtime.start_container(&spec).unwrap();
                    assert_eq!(code(&host.end_of(&spec.id)), number);
                    assert_eq!(host.output(&spec.id), format!("{thread}\n"));
                    host.runtime.remove_container(&spec.id).unwrap();
                }
            });
        }
    });
    host.assert_nothing_left();
}

#[test]
fn a_namespaced_kernel_parameter_is_set() {
    let host = Host::new("sysctl");
    let (_, output) = host.run("cat /proc/sys/net/ipv4/ip_unprivileged_port_start", |spec| {
        spec.sysctls.insert("net.ipv4.ip_unprivileged_port_start".into(), "0".into());
    });
    assert_eq!(output, "0\n");
    host.assert_nothing_left();
}
