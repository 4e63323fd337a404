//! Sandboxes, their networks, and the server's death. Needs root.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{Host, SHIM, code, end_of};
use landfall_runtime::{
    ContainerId, ContainerStatus, NativeRuntime, Network, PortMapping, Protocol, Runtime, RuntimeError,
    SandboxSpec,
};

fn private(publish: Vec<PortMapping>) -> Network {
    Network::Private { publish }
}

fn port(host_ip: Ipv4Addr, host_port: Option<u16>, container_port: u16) -> PortMapping {
    PortMapping { host_ip, host_port, container_port, protocol: Protocol::Tcp }
}

/// What a server in a container answers at `address`, tried until it listens.
fn ask(address: SocketAddr) -> String {
    for _ in 0..200 {
        if let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(2)) {
            let mut text = String::new();
            stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            if stream.read_to_string(&mut text).is_ok() && !text.is_empty() {
                return text;
            }
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("nobody answers at {address}");
}

#[test]
fn containers_of_a_sandbox_talk_over_localhost() {
    let host = Host::new("local");
    let sandbox = host.sandbox("s", private(Vec::new()));
    let server =
        host.container("server", &sandbox, &["/bin/sh", "-c", "while :; do echo pong | nc -l -p 8080; done"]);
    let client = host.container(
        "client",
        &sandbox,
        &[
            "/bin/sh",
            "-c",
            "for i in 1 2 3 4 5 6 7 8 9; do nc 127.0.0.1 8080 </dev/null && exit 0; sleep 0.2; done; exit 1",
        ],
    );
    host.runtime.start_container(&server).unwrap();
    host.runtime.start_container(&client).unwrap();
    assert_eq!(code(&host.end_of(&client.id)), 0);
    assert!(host.output(&client.id).contains("pong"));
    host.assert_nothing_left();
}

#[test]
fn published_ports_are_reached_from_this_host() {
    published_ports_are_reached(&Host::new("ports"));
}

#[test]
fn ports_are_published_without_a_packet_filter() {
    published_ports_are_reached(&Host::with("proxy", |config| config.userland_ports = true));
}

fn published_ports_are_reached(host: &Host) {
    let spec = {
        let mut spec = SandboxSpec::new("s".parse().unwrap());
        spec.network =
            private(vec![port(Ipv4Addr::UNSPECIFIED, None, 8080), port(Ipv4Addr::LOCALHOST, Some(0), 8080)]);
        spec
    };
    let sandbox = host.runtime.create_sandbox(&spec).unwrap();
    let server = host.container(
        "server",
        &sandbox.id,
        &["/bin/sh", "-c", "while :; do echo pong | nc -l -p 8080; done"],
    );
    host.runtime.start_container(&server).unwrap();
    let [any, loopback] = sandbox.ports.as_slice() else { panic!("{:?}", sandbox.ports) };
    assert!(any.host_port >= 32768 && any.host_port != loopback.host_port);
    let address = sandbox.address.unwrap();
    assert_eq!(ask((address, 8080).into()), "pong\n");
    assert_eq!(ask((Ipv4Addr::LOCALHOST, any.host_port).into()), "pong\n");
    assert_eq!(ask((Ipv4Addr::LOCALHOST, loopback.host_port).into()), "pong\n");
    let other = host.sandbox("other", private(Vec::new()));
    let script = format!(
        "for i in 1 2 3 4 5; do nc -w 2 $(ip route | grep default | head -n1 | grep -o '[0-9.]*' | head -n1) {} </dev/null && exit 0; sleep 0.2; done; exit 1",
        any.host_port
    );
    let client = host.container("client", &other, &["/bin/sh", "-c", &script]);
    host.runtime.start_container(&client).unwrap();
    assert_eq!(code(&host.end_of(&client.id)), 0, "from a neighbour through the host's port");
    let mut taken = SandboxSpec::new("taken".parse().unwrap());
    taken.network = private(vec![port(Ipv4Addr::UNSPECIFIED, Some(any.host_port), 1)]);
    let error = host.runtime.create_sandbox(&taken).unwrap_err();
    assert!(matches!(error, RuntimeError::PortTaken { .. }), "{error}");
    host.assert_nothing_left();
}

#[test]
fn the_hosts_network_is_the_hosts() {
    let host = Host::new("hostnet");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = std::thread::spawn(move || listener.accept().unwrap().0.write_all(b"host\n").unwrap());
    let sandbox = host.sandbox("s", Network::Host);
    let spec = host.container("c", &sandbox, &["/bin/sh", "-c", &format!("nc 127.0.0.1 {port} </dev/null")]);
    host.runtime.start_container(&spec).unwrap();
    assert_eq!(code(&host.end_of(&spec.id)), 0);
    answer.join().unwrap();
    assert_eq!(host.output(&spec.id), "host\n");
    host.assert_nothing_left();
}

/// Another engine's network stands for the outside: it knows no way back to the first one's addresses but the host.
#[test]
fn the_outside_is_reached_under_the_hosts_address() {
    let (host, outside) = (Host::new("nat"), Host::new("outside"));
    let target = outside.runtime.create_sandbox(&SandboxSpec::new("target".parse().unwrap())).unwrap();
    let address = target.address.unwrap();
    let listener = outside.runtime.listen_in_sandbox(&target.id, (Ipv4Addr::UNSPECIFIED, 80).into()).unwrap();
    let answer = std::thread::spawn(move || {
        let (mut stream, peer) = listener.accept().unwrap();
        stream.write_all(b"reached\n").unwrap();
        peer.ip()
    });
    let sandbox = host.sandbox("s", private(Vec::new()));
    let spec = host.container("c", &sandbox, &["/bin/sh", "-c", &format!("nc {address} 80 </dev/null")]);
    host.runtime.start_container(&spec).unwrap();
    assert_eq!(code(&host.end_of(&spec.id)), 0);
    assert_eq!(host.output(&spec.id), "reached\n");
    let (network, _) = outside.config.subnet.unwrap();
    assert_eq!(
        answer.join().unwrap(),
        Ipv4Addr::from_bits(network.to_bits() + 1),
        "the bridge's own address"
    );
    outside.assert_nothing_left();
    host.assert_nothing_left();
}

#[test]
fn the_hosts_loopback_is_out_of_reach() {
    let host = Host::new("guard");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let sandbox = host.sandbox("s", private(Vec::new()));
    let script = format!(
        "gw=$(ip route | grep default | head -n1 | grep -o '[0-9.]*' | head -n1); ip route add 127.0.0.9/32 via $gw; nc -w 1 127.0.0.9 {port} </dev/null && echo reached; echo done"
    );
    let mut spec = host.container("c", &sandbox, &["/bin/sh", "-c", &script]);
    spec.capabilities.add = vec!["NET_ADMIN".into()];
    host.runtime.start_container(&spec).unwrap();
    host.end_of(&spec.id);
    assert!(!host.output(&spec.id).contains("reached"));
    host.assert_nothing_left();
}

#[test]
fn name_files_say_what_was_asked() {
    let host = Host::new("dns");
    let mut spec = SandboxSpec::new("s".parse().unwrap());
    spec.hostname = "web-1".into();
    spec.dns.servers = vec![[192, 0, 2, 53].into()];
    spec.dns.search = vec!["svc.local".into()];
    spec.dns.extra_hosts = vec![("db".into(), [10, 9, 8, 7].into())];
    let sandbox = host.runtime.create_sandbox(&spec).unwrap();
    let container = host.container(
        "c",
        &sandbox.id,
        &["/bin/sh", "-c", "cat /etc/resolv.conf /etc/hosts /etc/hostname; hostname"],
    );
    host.runtime.start_container(&container).unwrap();
    host.end_of(&container.id);
    let output = host.output(&container.id);
    assert!(output.starts_with("nameserver 192.0.2.53\nsearch svc.local\n"), "{output}");
    assert!(output.contains("10.9.8.7\tdb\n"), "{output}");
    assert!(output.contains(&format!("{}\tweb-1\n", sandbox.address.unwrap())), "{output}");
    assert!(output.ends_with("web-1\nweb-1\n"), "{output}");
    host.assert_nothing_left();
}

#[test]
fn a_socket_in_the_sandbox_is_the_servers() {
    let host = Host::new("listen");
    let sandbox = host.sandbox("s", private(Vec::new()));
    let listener = host.runtime.listen_in_sandbox(&sandbox, "169.254.170.2:80".parse().unwrap()).unwrap();
    let answer = std::thread::spawn(move || {
        let (mut stream, peer) = listener.accept().unwrap();
        stream.write_all(b"HTTP/1.0 200 OK\r\n\r\ncredentials\n").unwrap();
        peer
    });
    let client = host.container("c", &sandbox, &["/bin/sh", "-c", "nc 169.254.170.2 80 </dev/null"]);
    host.runtime.start_container(&client).unwrap();
    host.end_of(&client.id);
    assert!(host.output(&client.id).contains("credentials"));
    answer.join().unwrap();
    host.assert_nothing_left();
}

/// Programs in the sandbox have port 80 for themselves, and nobody else reaches the server's socket.
#[test]
fn a_socket_at_the_door_is_beside_the_sandboxs_ports() {
    let host = Host::new("door");
    let (sandbox, other) = (host.sandbox("s", private(Vec::new())), host.sandbox("o", private(Vec::new())));
    let listener = host.runtime.listen_at_door(&sandbox, 80).unwrap();
    let answer = std::thread::spawn(move || {
        let (mut stream, peer) = listener.accept().unwrap();
        stream.write_all(b"credentials\n").unwrap();
        peer.ip()
    });
    let script = "nc -l -p 80 </dev/null & nc 169.254.170.2 80 </dev/null; nc 127.0.0.1 80 </dev/null && echo own; wait";
    let client = host.container("c", &sandbox, &["/bin/sh", "-c", script]);
    let stranger = host.container("x", &other, &["/bin/sh", "-c", "nc -w 1 169.254.170.2 80 </dev/null"]);
    host.runtime.start_container(&stranger).unwrap();
    assert_ne!(code(&host.end_of(&stranger.id)), 0);
    host.runtime.start_container(&client).unwrap();
    host.end_of(&client.id);
    assert_eq!(host.output(&client.id), "credentials\nown\n");
    assert_eq!(answer.join().unwrap(), Ipv4Addr::new(169, 254, 170, 1));
    host.assert_nothing_left();
}

#[test]
fn the_limit_of_a_task_holds_all_its_containers() {
    let host = Host::new("task");
    let mut spec = SandboxSpec::new("s".parse().unwrap());
    spec.network = Network::None;
    spec.limits.memory_bytes = Some(32 << 20);
    spec.limits.cpu_quota = Some(0.5);
    let sandbox = host.runtime.create_sandbox(&spec).unwrap();
    let container = host.container("c", &sandbox.id, &["/bin/sh", "-c", "head -c 100m /dev/zero | tail"]);
    host.runtime.start_container(&container).unwrap();
    assert!(matches!(
        host.end_of(&container.id),
        ContainerStatus::Exited { code: 137, oom_killed: true, .. }
    ));
    let error = host.runtime.remove_sandbox(&sandbox.id).unwrap_err();
    assert!(error.to_string().contains("still has container `c`"), "{error}");
    host.assert_nothing_left();
}

/// A server of its own process that runs `script` in a container, to be killed.
fn serve(host: &Host, script: &str, stdout: Stdio) -> Child {
    let config = &host.config;
    let (network, _) = config.subnet.unwrap();
    Command::new(SHIM)
        .args(["serve".as_ref(), config.dir.as_os_str(), config.cgroup.as_os_str(), config.bridge.as_ref()])
        .args([network.to_string().as_ref(), host.layer.as_os_str(), script.as_ref()])
        .stdout(stdout)
        .spawn()
        .unwrap()
}

#[test]
fn containers_outlive_a_killed_server() {
    let host = Host::new("server");
    let script = "i=0; while [ $i -lt 40 ]; do echo line $i; i=$((i+1)); sleep 0.05; done; exit 23";
    let mut server = serve(&host, script, Stdio::piped());
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "running\n");
    server.kill().unwrap();
    server.wait().unwrap();
    let next = NativeRuntime::new(host.config.clone()).unwrap();
    let found = next.list().unwrap();
    assert_eq!(found.sandboxes.len(), 1);
    assert!(found.sandboxes[0].address.is_some());
    let [container] = found.containers.as_slice() else { panic!("{found:?}") };
    assert!(matches!(container.status, ContainerStatus::Running { .. }), "{container:?}");
    assert_eq!(container.labels.get("task").map(String::as_str), Some("arn"));
    assert_eq!(code(&end_of(&next, &container.id)), 23);
    let expected: String = (0..40).map(|number| format!("line {number}\n")).collect();
    assert_eq!(host.output(&container.id), expected);
    host.assert_nothing_left();
}

#[test]
fn a_lost_shim_takes_its_container_along_and_is_seen() {
    let host = Host::new("lost");
    let sandbox = host.sandbox("s", Network::None);
    let spec = host.container("c", &sandbox, &["/bin/sleep", "100"]);
    let started = host.runtime.start_container(&spec).unwrap();
    let json = std::fs::read_to_string(host.config.dir.join("containers/c/started.json")).unwrap();
    let shim: i32 = json.split("\"shim\":").nth(1).unwrap().split(',').next().unwrap().parse().unwrap();
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(shim).unwrap(),
        rustix::process::Signal::KILL,
    )
    .unwrap();
    assert_eq!(host.end_of(&spec.id), ContainerStatus::Lost);
    host.runtime.remove_container(&spec.id).unwrap();
    // Whoever adopted it may not have collected it yet; a process that has ended has no arguments.
    assert_eq!(std::fs::read(format!("/proc/{}/cmdline", started.pid)).unwrap_or_default(), b"");
    host.assert_nothing_left();
}

#[test]
fn a_server_killed_at_any_moment_leaves_nothing_that_cannot_be_removed() {
    let host = Host::new("crash");
    for delay in [0, 1, 2, 3, 4, 5, 7, 9, 12, 15, 20, 30] {
        let mut server = serve(&host, "sleep 100", Stdio::null());
        std::thread::sleep(Duration::from_millis(delay));
        server.kill().unwrap();
        server.wait().unwrap();
        let next = NativeRuntime::new(host.config.clone()).unwrap();
        // A shim that was under way when the server died may still be coming up.
        std::thread::sleep(Duration::from_millis(100));
        for container in next.list().unwrap().containers {
            next.remove_container(&container.id).unwrap();
        }
        for sandbox in next.list().unwrap().sandboxes {
            next.remove_sandbox(&sandbox.id).unwrap();
        }
        next.uninstall().unwrap();
    }
    host.assert_nothing_left();
}

#[test]
fn names_that_are_not_there() {
    let host = Host::new("none");
    let id: ContainerId = "nobody".parse().unwrap();
    assert!(matches!(host.runtime.status(&id), Err(RuntimeError::NoSuchContainer(_))));
    host.runtime.remove_container(&id).unwrap();
    host.runtime.remove_sandbox(&"nobody".parse().unwrap()).unwrap();
    let spec = host.container("c", &"nobody".parse().unwrap(), &["true"]);
    assert!(matches!(host.runtime.start_container(&spec), Err(RuntimeError::NoSuchSandbox(_))));
    host.sandbox("s", Network::None);
    let twice = host.runtime.create_sandbox(&SandboxSpec::new("s".parse().unwrap()));
    assert!(matches!(twice, Err(RuntimeError::Exists(_))));
    assert_eq!(
        host.runtime.list().unwrap().sandboxes.len(),
        1,
        "the failed second one must not remove the first"
    );
    host.assert_nothing_left();
}

#[test]
fn nothing_fatal_is_missing_here() {
    let findings = landfall_runtime::doctor();
    assert!(findings.iter().all(|finding| !finding.fatal), "{findings:?}");
}
