//! Which devices a container of control groups version 2 may use: a BPF program that the kernel asks
//! (linux/bpf.h, `BPF_PROG_TYPE_CGROUP_DEVICE`). Same rules as the list of version 1.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use crate::sys;

/// `struct bpf_insn`: code, registers (destination low), offset, constant.
type Instruction = (u8, u8, i16, i32);

const LOAD_WORD: u8 = 0x61;
const COPY: u8 = 0xbf;
const SET: u8 = 0xb7;
const SHIFT_RIGHT: u8 = 0x77;
const AND: u8 = 0x57;
const JUMP_IF_EQUAL: u8 = 0x15;
const JUMP_UNLESS_EQUAL: u8 = 0x55;
const EXIT: u8 = 0x95;

const CHARACTER: i32 = 2;
const ONLY_MAKE_NODE: i32 = 1;

/// Major and minor number; no minor for all of them.
const ALLOWED: [(i32, Option<i32>); 10] = [
    (1, Some(3)),
    (1, Some(5)),
    (1, Some(7)),
    (1, Some(8)),
    (1, Some(9)),
    (5, Some(0)),
    (5, Some(1)),
    (5, Some(2)),
    (136, None),
    (10, Some(200)),
];

/// Register 1 holds the question: type and access in one word, then major, then minor.
fn program() -> Vec<u8> {
    let mut code: Vec<Instruction> = vec![
        (LOAD_WORD, 0x12, 0, 0),
        (LOAD_WORD, 0x14, 4, 0),
        (LOAD_WORD, 0x15, 8, 0),
        (COPY, 0x23, 0, 0),
        (SHIFT_RIGHT, 0x03, 0, 16),
        (AND, 0x02, 0, 0xffff),
        // Making a node gives no access to what it stands for.
        (JUMP_UNLESS_EQUAL, 0x03, 2, ONLY_MAKE_NODE),
        (SET, 0x00, 0, 1),
        (EXIT, 0, 0, 0),
        (JUMP_IF_EQUAL, 0x02, 2, CHARACTER),
        (SET, 0x00, 0, 0),
        (EXIT, 0, 0, 0),
    ];
    for (major, minor) in ALLOWED {
        code.push((JUMP_UNLESS_EQUAL, 0x04, if minor.is_some() { 3 } else { 2 }, major));
        code.extend(minor.map(|minor| (JUMP_UNLESS_EQUAL, 0x05, 2, minor)));
        code.extend([(SET, 0x00, 0, 1), (EXIT, 0, 0, 0)]);
    }
    code.extend([(SET, 0x00, 0, 0), (EXIT, 0, 0, 0)]);
    code.into_iter().flat_map(encode).collect()
}

fn encode((code, registers, offset, constant): Instruction) -> Vec<u8> {
    // The lower half of the byte is the destination, on the architectures that there is a seccomp profile for.
    let mut bytes = vec![code, registers];
    bytes.extend_from_slice(&offset.to_ne_bytes());
    bytes.extend_from_slice(&constant.to_ne_bytes());
    bytes
}

/// Loads the program.
pub(crate) fn load() -> io::Result<OwnedFd> {
    sys::load_device_program(&program())
}

/// Makes the kernel ask the program for every process of the group.
pub(crate) fn attach(program: impl AsFd, group: impl AsFd) -> io::Result<()> {
    sys::attach_device_program(program.as_fd().as_raw_fd(), group.as_fd().as_raw_fd())
}
