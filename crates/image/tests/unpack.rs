//! Archives made to do harm, and archives that are merely unusual.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers fail by panicking")]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use landfall_image::{Limits, UnpackError, UnpackOptions, Unpacked, unpack_layer};
use proptest::prelude::*;

/// An archive in the making; writes whatever it is told.
#[derive(Default, Clone)]
struct Tar(Vec<u8>);

impl Tar {
    fn entry(mut self, kind: u8, path: &str, link: &str, mode: u32, data: &[u8]) -> Self {
        let mut header = tar::Header::new_gnu();
        for (field, text) in [(0, path), (157, link)] {
            header.as_mut_bytes()[field..field + text.len()].copy_from_slice(text.as_bytes());
        }
        header.as_mut_bytes()[156] = kind;
        header.set_mode(mode);
        header.set_size(data.len() as u64);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1_000_000);
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(data);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn file(self, path: &str, data: &str) -> Self {
        self.entry(b'0', path, "", 0o644, data.as_bytes())
    }

    fn dir(self, path: &str) -> Self {
        self.entry(b'5', path, "", 0o755, b"")
    }

    fn symlink(self, path: &str, target: &str) -> Self {
        self.entry(b'2', path, target, 0o777, b"")
    }

    fn hard_link(self, path: &str, target: &str) -> Self {
        self.entry(b'1', path, target, 0o644, b"")
    }

    fn pax(self, records: &[(&str, &str)]) -> Self {
        let mut text = String::new();
        for (key, value) in records {
            let rest = format!(" {key}={value}\n");
            let mut length = rest.len() + 1;
            while length != rest.len() + length.to_string().len() {
                length += 1;
            }
            text += &format!("{length}{rest}");
        }
        self.entry(b'x', "pax", "", 0o644, text.as_bytes())
    }

    fn unpack(&self) -> (Place, Result<Unpacked, UnpackError>) {
        self.unpack_with(&UnpackOptions::default())
    }

    fn unpack_with(&self, options: &UnpackOptions) -> (Place, Result<Unpacked, UnpackError>) {
        let place = Place::new();
        let outcome = unpack_layer(self.0.as_slice(), &place.root, options);
        (place, outcome)
    }
}

/// A root to unpack into, in a directory where nothing else may appear.
struct Place {
    outer: tempfile::TempDir,
    root: PathBuf,
}

impl Place {
    fn new() -> Self {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().join("root");
        fs::create_dir(&root).unwrap();
        fs::write(outer.path().join("victim"), "untouched").unwrap();
        Self { outer, root }
    }

    /// Nothing outside of the root was made or changed.
    fn assert_contained(&self) {
        let mut names: Vec<_> =
            fs::read_dir(self.outer.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["root", "victim"]);
        let victim = self.outer.path().join("victim");
        assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
        assert_eq!(fs::metadata(&victim).unwrap().nlink(), 1);
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}

fn kind(outcome: &Result<Unpacked, UnpackError>) -> &'static str {
    match outcome {
        Ok(_) => "ok",
        Err(UnpackError::Unsafe(_)) => "unsafe",
        Err(UnpackError::Corrupt(_)) => "corrupt",
        Err(UnpackError::Limit(_)) => "limit",
        Err(UnpackError::NoSpace(_)) => "no space",
        Err(UnpackError::Io(_)) => "io",
    }
}

#[test]
fn nothing_leaves_the_root() {
    let outside = "/../../../../../../../../tmp/landfall-escape";
    let tar = Tar::default;
    let cases: Vec<(&str, Tar, &str)> = vec![
        ("dots", tar().file("../victim", "x"), "unsafe"),
        ("dots inside", tar().dir("a").file("a/../../victim", "x"), "unsafe"),
        ("absolute", tar().file("/etc/passwd", "inside"), "ok"),
        ("absolute dots", tar().file(outside, "x"), "unsafe"),
        ("through a link up", tar().symlink("up", "..").file("up/victim", "x"), "ok"),
        ("through an absolute link", tar().symlink("etc", "/").file("etc/victim", "x"), "ok"),
        ("through two links", tar().symlink("a", "../..").symlink("b", "a/..").file("b/victim", "x"), "ok"),
        ("onto a link", tar().symlink("x", "../victim").file("x", "x"), "ok"),
        ("directory onto a link", tar().symlink("x", "..").dir("x").file("x/victim", "x"), "ok"),
        ("hard link up", tar().hard_link("x", "../victim"), "unsafe"),
        ("hard link absolute", tar().hard_link("x", "/victim"), "corrupt"),
        ("hard link through a link", tar().symlink("up", "..").hard_link("x", "up/victim"), "corrupt"),
        (
            "hard link to a link, then written",
            tar().symlink("l", "../victim").hard_link("x", "l").file("x", "x"),
            "ok",
        ),
        ("hard link to a directory", tar().dir("d").hard_link("x", "d"), "unsafe"),
        ("through /proc", tar().symlink("p", "/proc/self/root").file("p/victim", "x"), "unsafe"),
        ("links in a circle", tar().symlink("a", "b").symlink("b", "a").file("a/x", "x"), "unsafe"),
        ("link to nothing as a directory", tar().symlink("a", "gone").file("a/x", "x"), "unsafe"),
        ("file as a directory", tar().file("a", "").file("a/x", "x"), "unsafe"),
        ("root replaced", tar().symlink("./", "/"), "unsafe"),
        ("whiteout of dots", tar().file("a/.wh...", ""), "unsafe"),
        ("whiteout of nothing", tar().file(".wh.", ""), "unsafe"),
        ("whiteout up", tar().symlink("up", "..").file("up/.wh.victim", ""), "ok"),
        ("NUL in a PAX path", tar().pax(&[("path", "a\0b")]).file("x", "x"), "unsafe"),
        ("dots in a PAX path", tar().pax(&[("path", "../victim")]).file("x", "x"), "unsafe"),
        ("component too long", tar().pax(&[("path", &"n".repeat(300))]).file("x", "x"), "unsafe"),
        ("path too long", tar().pax(&[("path", &"n/".repeat(3000))]).file("x", "x"), "unsafe"),
        ("owner too large", tar().pax(&[("uid", "4294967296")]).file("x", "x"), "corrupt"),
    ];
    for (name, archive, expected) in cases {
        let (place, outcome) = archive.unpack();
        assert_eq!(kind(&outcome), expected, "{name}: {outcome:?}");
        place.assert_contained();
    }
    assert!(!Path::new("/tmp/landfall-escape").exists());
}

#[test]
fn what_is_no_archive_is_refused() {
    let good = Tar::default().file("a", &"x".repeat(2000));
    let mut flipped = good.clone();
    flipped.0[0] ^= 1;
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("text", b"this is not a tar archive at all".repeat(40)),
        ("short", b"short".to_vec()),
        ("flipped", flipped.0),
        ("cut in data", good.0[..1000].to_vec()),
        ("cut in header", good.0[..300].to_vec()),
        ("gzip cut", gzip(&good.0)[..20].to_vec()),
        ("gzip of nonsense", gzip(&b"nonsense".repeat(100))),
        ("zstd cut", zstd::encode_all(good.0.as_slice(), 1).unwrap()[..10].to_vec()),
    ];
    for (name, bytes) in cases {
        let outcome = Tar(bytes).unpack().1;
        assert_eq!(kind(&outcome), "corrupt", "{name}: {outcome:?}");
    }
    assert_eq!(kind(&Tar::default().unpack().1), "ok");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn every_compression_gives_the_same_tree() {
    let plain = Tar::default().file("a/b", "content").0;
    // Several gzip members in a row are one stream, as eStargz has it.
    let members = [gzip(&plain[..512]), gzip(&plain[512..])].concat();
    let zstd = zstd::encode_all(plain.as_slice(), 1).unwrap();
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9][..], &zstd].concat();
    for bytes in [plain.clone(), gzip(&plain), members, zstd, skippable] {
        let (place, outcome) = Tar(bytes).unpack();
        let diff_id = landfall_image::Digest::of(&plain);
        assert_eq!(outcome.unwrap(), Unpacked { entries: 1, bytes: plain.len() as u64, diff_id });
        assert_eq!(place.read("a/b"), "content");
    }
}

#[test]
fn costs_are_bounded() {
    let with = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        let image_left = Arc::new(AtomicU64::new(limits.image_bytes));
        UnpackOptions { limits, image_left, ..UnpackOptions::default() }
    };
    let files = Tar::default().file("a", "1").file("b", "2").file("c", "3");
    let name = Tar::default().entry(b'L', "././@LongLink", "", 0, &vec![b'n'; (1 << 20) + 1]).file("x", "");
    let mut claims = tar::Header::new_gnu();
    claims.as_mut_bytes()[156] = b'x';
    claims.set_size(1 << 40);
    claims.set_cksum();
    let extensions = (0..20).fold(Tar::default(), |tar, _| tar.pax(&[("comment", "x")])).file("a", "");
    let sparse = [
        ("GNU.sparse.major", "1"),
        ("GNU.sparse.minor", "0"),
        ("GNU.sparse.name", "s"),
        ("GNU.sparse.realsize", "1152921504606846976"),
    ];
    let mut map = b"0\n".to_vec();
    map.resize(512, 0);
    let sparse = Tar::default().pax(&sparse).entry(b'0', "x", "", 0o644, &map);
    let default = UnpackOptions::default;
    let cases = [
        ("entries", &files, with(|limits| limits.layer_entries = 2), "limit"),
        ("bytes", &files, with(|limits| limits.layer_bytes = 1000), "limit"),
        ("image bytes", &files, with(|limits| limits.image_bytes = 1000), "limit"),
        ("free space", &files, with(|limits| limits.free_bytes = u64::MAX), "no space"),
        ("long name", &name, default(), "limit"),
        ("claimed length", &Tar(claims.as_bytes().to_vec()), default(), "limit"),
        ("extensions", &extensions, default(), "corrupt"),
        ("sparse length", &sparse, default(), "limit"),
    ];
    for (name, archive, options, expected) in cases {
        let outcome = archive.unpack_with(&options).1;
        assert_eq!(kind(&outcome), expected, "{name}: {outcome:?}");
    }
}

fn xattr(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut buffer = vec![0; 64];
    let length = rustix::fs::getxattr(path, name, &mut buffer[..]).ok()?;
    buffer.truncate(length);
    Some(buffer)
}

fn is_whiteout(path: &Path) -> bool {
    let found = fs::symlink_metadata(path).unwrap();
    found.file_type().is_char_device() && found.rdev() == 0
}

#[test]
fn whiteouts_take_overlayfs_form() {
    let archive = Tar::default()
        .dir("a")
        .file("a/.wh.gone", "")
        .file("b/.wh..wh..opq", "")
        .file("b/kept", "b")
        .file(".wh..wh.plnk", "")
        .file("own", "mine")
        .file(".wh.own", "")
        .dir("d")
        .file("d/x", "x")
        .file(".wh.d", "")
        .file(".wh.back", "")
        .dir("back")
        .file(".wh.file", "")
        .file("file", "new");
    for rootless in [false, true] {
        let (place, outcome) = archive.unpack_with(&UnpackOptions { rootless, ..UnpackOptions::default() });
        outcome.unwrap();
        let opaque = if rootless { "user.overlay.opaque" } else { "trusted.overlay.opaque" };
        let at = |path: &str| place.root.join(path);
        assert!(is_whiteout(&at("a/gone")));
        // Names hidden and given again in the same layer: what lower layers have is hidden, ours stays.
        for dir in ["b", "d", "back"] {
            assert_eq!(xattr(&at(dir), opaque).as_deref(), Some(b"y".as_slice()), "{dir}");
        }
        assert_eq!(xattr(&at("a"), opaque), None);
        let read = [place.read("b/kept"), place.read("own"), place.read("d/x"), place.read("file")];
        assert_eq!(read, ["b", "mine", "x", "new"]);
        let names: Vec<_> =
            fs::read_dir(&place.root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(!names.iter().any(|name| name.to_string_lossy().starts_with(".wh.")), "{names:?}");
    }
}

#[test]
fn modes_times_owners_and_attributes_are_kept() {
    let archive = Tar::default()
        .entry(b'5', "./", "", 0o750, b"")
        .entry(b'5', "locked", "", 0o500, b"")
        .file("locked/inner", "x")
        .pax(&[
            ("uid", "1234"),
            ("gid", "5678"),
            ("mtime", "1000.5"),
            ("SCHILY.xattr.user.note", "kept"),
            ("SCHILY.xattr.trusted.overlay.opaque", "y"),
            ("SCHILY.xattr.user.overlay.opaque", "y"),
        ])
        .entry(b'0', "suid", "", 0o6755, b"x")
        .pax(&[("uid", "7"), ("path", "link")])
        .symlink("x", "suid")
        .entry(b'6', "pipe", "", 0o622, b"")
        .hard_link("again", "./suid")
        .hard_link("again", "again")
        .entry(b'3', "null", "", 0o666, b"")
        .entry(b'4', "disk", "", 0o666, b"");
    let (place, outcome) = archive.unpack();
    outcome.unwrap();
    let stat = |path: &str| fs::symlink_metadata(place.root.join(path)).unwrap();
    let owner_time = |path: &str| {
        let found = stat(path);
        (found.mode() & 0o7777, found.uid(), found.gid(), found.mtime(), found.mtime_nsec())
    };
    assert_eq!(owner_time("suid"), (0o6755, 1234, 5678, 1000, 500_000_000));
    assert_eq!(stat("again").ino(), stat("suid").ino());
    assert_eq!(owner_time("locked"), (0o500, 0, 0, 1_000_000, 0));
    assert_eq!((owner_time("").0, owner_time("").3), (0o750, 1_000_000));
    assert_eq!((owner_time("link").1, owner_time("link").3), (7, 1_000_000));
    assert!(stat("pipe").file_type().is_fifo());
    assert_eq!(owner_time("pipe").0, 0o622);
    assert_eq!(xattr(&place.root.join("suid"), "user.note").as_deref(), Some(b"kept".as_slice()));
    assert_eq!(xattr(&place.root.join("suid"), "trusted.overlay.opaque"), None);
    assert_eq!(xattr(&place.root.join("suid"), "user.overlay.opaque"), None);
    for device in ["null", "disk"] {
        assert!(fs::symlink_metadata(place.root.join(device)).is_err(), "{device}");
    }
}

#[test]
fn later_entries_replace_earlier_ones() {
    let archive = Tar::default()
        .dir("d")
        .file("d/deep/er", "x")
        .file("d", "now a file")
        .file("f", "file")
        .dir("f")
        .file("f/x", "inside")
        .file("twice", "1")
        .file("twice", "2")
        .symlink("l", "a")
        .symlink("l", "b")
        .dir("e")
        .file("e/x", "old")
        .symlink("e", "f")
        .file("e/y", "through the link");
    let (place, outcome) = archive.unpack();
    outcome.unwrap();
    let read = [place.read("d"), place.read("f/x"), place.read("twice"), place.read("f/y")];
    assert_eq!(read, ["now a file", "inside", "2", "through the link"]);
    assert_eq!(fs::read_link(place.root.join("l")).unwrap(), Path::new("b"));
}

#[test]
fn long_names_and_links_of_both_kinds() {
    let long = "d/".repeat(90) + "file";
    let archive = Tar::default()
        .entry(b'L', "././@LongLink", "", 0, format!("{long}\0").as_bytes())
        .file("cut", "gnu")
        .entry(b'L', "././@LongLink", "", 0, b"link\0")
        .entry(b'K', "././@LongLink", "", 0, format!("{long}\0").as_bytes())
        .symlink("cut", "cut")
        .pax(&[("path", &format!("{long}2")), ("size", "3")])
        .file("cut", "pax");
    let (place, outcome) = archive.unpack();
    outcome.unwrap();
    assert_eq!(place.read(&long), "gnu");
    assert_eq!(place.read("link"), "gnu");
    assert_eq!(place.read(&format!("{long}2")), "pax");
}

#[test]
fn holes_of_gnus_old_kind() {
    let dir = tempfile::tempdir().unwrap();
    let script = "for i in $(seq 0 40); do printf data$i | dd of=s bs=1 seek=$((i*65536)) conv=notrunc; done; \
                  truncate -s 5000000 s; tar --format=gnu --sparse -cf s.tar s";
    let made =
        std::process::Command::new("sh").arg("-c").arg(script).current_dir(dir.path()).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let archive = Tar(fs::read(dir.path().join("s.tar")).unwrap());
    assert!(archive.0.len() < 2_000_000, "the test needs a file system with holes");
    let (place, outcome) = archive.unpack();
    outcome.unwrap();
    assert!(fs::read(place.root.join("s")).unwrap() == fs::read(dir.path().join("s")).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is done to an archive's bytes, nothing panics and nothing leaves.
    #[test]
    fn damaged_archives_stay_inside(flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut archive = Tar::default()
            .symlink("up", "..")
            .pax(&[("path", "a/b"), ("mtime", "1.5")])
            .file("x", "data")
            .hard_link("h", "a/b")
            .file("up/c", "x")
            .file(".wh.z", "");
        for (at, byte) in flips {
            let at = at.index(archive.0.len());
            archive.0[at] = byte;
            let header = at / 512 * 512;
            let mut fixed = tar::Header::from_byte_slice(&archive.0[header..header + 512]).clone();
            fixed.set_cksum();
            archive.0[header..header + 512].copy_from_slice(fixed.as_bytes());
        }
        let (place, _) = archive.unpack();
        place.assert_contained();
    }

    /// Any order of simple entries over few names stays inside.
    #[test]
    fn any_mix_of_links_stays_inside(
        entries in proptest::collection::vec((0usize..5, "(a|b|up)(/(a|b|up|\\.\\.|victim)){0,2}", "(/|\\.\\./)?(a|b|\\.\\.|victim)"), 1..12)
    ) {
        let mut archive = Tar::default();
        for (kind, path, link) in entries {
            archive = match kind {
                0 => archive.file(&path, "x"),
                1 => archive.dir(&path),
                2 => archive.symlink(&path, &link),
                3 => archive.hard_link(&path, &link),
                _ => archive.file(&format!("{path}/.wh.victim"), ""),
            };
        }
        let (place, _) = archive.unpack();
        place.assert_contained();
    }
}
