//! Which registry an image names.

/// Whether an image lies in a private ECR repository:
/// `<12 digits>.dkr.ecr[-fips].<region>.amazonaws.com[.cn]`, or the dual-stack form `….dkr-ecr.<region>.on.aws`.
pub fn is_ecr(image: &str) -> bool {
    let Some((host, _)) = image.split_once('/') else { return false };
    let Some((account, rest)) = host.split_once('.') else { return false };
    let owned = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let registry = ["dkr.ecr.", "dkr.ecr-fips.", "dkr-ecr.", "dkr-ecr-fips."];
    let domain = [".amazonaws.com", ".amazonaws.com.cn", ".on.aws"];
    owned && registry.iter().any(|it| rest.starts_with(it)) && domain.iter().any(|it| rest.ends_with(it))
}

#[cfg(test)]
mod tests {
    use super::is_ecr;

    #[test]
    fn only_private_ecr_repositories_are_ecr() {
        for (image, expected) in [
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:1", true),
            ("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/a/b@sha256:00", true),
            ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/app", true),
            ("123456789012.dkr-ecr.eu-west-1.on.aws/app", true),
            ("public.ecr.aws/docker/library/busybox", false),
            ("registry.example.com:5000/app", false),
            ("12345678901x.dkr.ecr.eu-west-1.amazonaws.com/app", false),
            ("busybox", false),
        ] {
            assert_eq!(is_ecr(image), expected, "{image}");
        }
    }
}
