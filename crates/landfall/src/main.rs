//! The binary: hands its arguments to the command line. Nothing else.

fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
