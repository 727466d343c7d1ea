//! The forms of issued tokens, as data. A form is a fixed prefix and a run of
//! characters of a known alphabet and length.
//!
//! The forms come from gitleaks' default rules (MIT) and from the issuers' own
//! documentation. They are runs instead of regular expressions, because a run is
//! read once and no text makes it slow.

/// The characters that a token is made of.
#[derive(Clone, Copy)]
pub(super) enum Alphabet {
    /// `0-9 a-f`
    Hex,
    /// `A-Z 2-7`
    Base32,
    /// `A-Z a-z 0-9`
    Alnum,
    /// `A-Z a-z 0-9 _`
    Word,
    /// `A-Z a-z 0-9 _ -`
    Url,
    /// `A-Z a-z 0-9 _ - .`
    Dotted,
    /// `A-Z a-z 0-9 + / =`
    Base64,
    /// `A-Z a-z 0-9 $`
    Dollar,
    /// `A-Z a-z 0-9 _ - / @ .`
    Path,
    /// `A-Z a-z 0-9 _ - :`
    Colon,
}

impl Alphabet {
    /// Whether prose and names in code can be spelled in the alphabet.
    pub(super) fn spells(self) -> bool {
        !matches!(self, Self::Hex | Self::Base32 | Self::Alnum | Self::Word)
    }

    /// Whether `byte` belongs to the alphabet.
    pub(super) fn has(self, byte: u8) -> bool {
        match self {
            Self::Hex => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            Self::Base32 => matches!(byte, b'A'..=b'Z' | b'2'..=b'7'),
            Self::Alnum => byte.is_ascii_alphanumeric(),
            Self::Word => byte.is_ascii_alphanumeric() || byte == b'_',
            Self::Url => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Self::Dotted => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'),
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='),
            Self::Dollar => byte.is_ascii_alphanumeric() || byte == b'$',
            Self::Path => {
                byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'/' | b'@' | b'.')
            }
            Self::Colon => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':'),
        }
    }
}

/// The form of one issuer's tokens.
pub(super) struct Form {
    /// The kind of the secret; see [`super::Secret::kind`].
    pub(super) kind: &'static str,
    /// The beginning of the token.
    pub(super) prefix: &'static str,
    /// The characters behind the prefix.
    pub(super) alphabet: Alphabet,
    /// The fewest characters behind the prefix.
    pub(super) min: usize,
    /// The most characters behind the prefix.
    pub(super) max: usize,
}

const fn form(
    kind: &'static str,
    prefix: &'static str,
    alphabet: Alphabet,
    min: usize,
    max: usize,
) -> Form {
    Form {
        kind,
        prefix,
        alphabet,
        min,
        max,
    }
}

/// The forms of the tokens. If a prefix begins with another prefix, the longer
/// one comes first.
pub(super) const FORMS: &[Form] = &[
    // AWS: IAM identifiers, "Understanding unique ID prefixes".
    form("aws_access_key", "AKIA", Alphabet::Base32, 16, 16),
    form("aws_access_key", "ASIA", Alphabet::Base32, 16, 16),
    form("aws_access_key", "ABIA", Alphabet::Base32, 16, 16),
    form("aws_access_key", "ACCA", Alphabet::Base32, 16, 16),
    // Alibaba Cloud.
    form("alibaba_access_key", "LTAI", Alphabet::Alnum, 20, 20),
    // GitHub: "Behind GitHub's new authentication token formats".
    form("github_token", "ghp_", Alphabet::Alnum, 36, 251),
    form("github_token", "gho_", Alphabet::Alnum, 36, 251),
    form("github_token", "ghu_", Alphabet::Alnum, 36, 251),
    form("github_token", "ghs_", Alphabet::Alnum, 36, 251),
    form("github_token", "ghr_", Alphabet::Alnum, 36, 251),
    form("github_token", "github_pat_", Alphabet::Word, 82, 82),
    // GitLab: "Token overview", token prefixes.
    form("gitlab_token", "glpat-", Alphabet::Dotted, 20, 64),
    form("gitlab_token", "gldt-", Alphabet::Url, 20, 64),
    form("gitlab_token", "glrt-", Alphabet::Dotted, 20, 64),
    form("gitlab_token", "glcbt-", Alphabet::Url, 20, 64),
    form("gitlab_token", "glptt-", Alphabet::Hex, 40, 40),
    form("gitlab_token", "glsoat-", Alphabet::Url, 20, 64),
    // Slack: "Token types".
    form("slack_token", "xoxb-", Alphabet::Url, 20, 128),
    form("slack_token", "xoxp-", Alphabet::Url, 20, 128),
    form("slack_token", "xoxa-", Alphabet::Url, 20, 128),
    form("slack_token", "xoxr-", Alphabet::Url, 20, 128),
    form("slack_token", "xoxs-", Alphabet::Url, 20, 128),
    form("slack_token", "xoxe-", Alphabet::Url, 20, 256),
    form("slack_token", "xapp-", Alphabet::Url, 20, 128),
    // Stripe: "API keys"; test keys open accounts too.
    form("stripe_key", "sk_live_", Alphabet::Alnum, 10, 128),
    form("stripe_key", "sk_test_", Alphabet::Alnum, 10, 128),
    form("stripe_key", "rk_live_", Alphabet::Alnum, 10, 128),
    form("stripe_key", "rk_test_", Alphabet::Alnum, 10, 128),
    form("stripe_key", "whsec_", Alphabet::Base64, 32, 64),
    // Google.
    form("google_api_key", "AIza", Alphabet::Url, 35, 35),
    form("google_client_secret", "GOCSPX-", Alphabet::Url, 28, 28),
    form("google_token", "ya29.", Alphabet::Dotted, 20, 512),
    // OpenAI, Anthropic and issuers that use the same form.
    form("ai_key", "sk-", Alphabet::Url, 40, 256),
    form("ai_key", "gsk_", Alphabet::Alnum, 52, 52),
    form("huggingface_token", "hf_", Alphabet::Alnum, 34, 40),
    form("replicate_token", "r8_", Alphabet::Alnum, 37, 37),
    // Mail and messages.
    form("sendgrid_key", "SG.", Alphabet::Dotted, 66, 66),
    form("mailgun_key", "key-", Alphabet::Hex, 32, 32),
    form("brevo_key", "xkeysib-", Alphabet::Url, 81, 81),
    form("twilio_key", "SK", Alphabet::Hex, 32, 32),
    // Package registries.
    form("npm_token", "npm_", Alphabet::Alnum, 36, 36),
    form("pypi_token", "pypi-AgE", Alphabet::Url, 50, 512),
    form("rubygems_token", "rubygems_", Alphabet::Hex, 48, 48),
    form("packagist_token", "packagist_", Alphabet::Hex, 32, 80),
    form("docker_token", "dckr_pat_", Alphabet::Url, 27, 32),
    // Hosting and infrastructure.
    form("digitalocean_token", "dop_v1_", Alphabet::Hex, 64, 64),
    form("digitalocean_token", "doo_v1_", Alphabet::Hex, 64, 64),
    form("digitalocean_token", "dor_v1_", Alphabet::Hex, 64, 64),
    form(
        "azure_storage_key",
        "AccountKey=",
        Alphabet::Base64,
        40,
        128,
    ),
    form(
        "azure_shared_key",
        "SharedAccessKey=",
        Alphabet::Base64,
        40,
        128,
    ),
    form("databricks_token", "dapi", Alphabet::Hex, 32, 32),
    form("doppler_token", "dp.pt.", Alphabet::Alnum, 43, 43),
    form("vault_token", "hvs.", Alphabet::Url, 90, 120),
    form("pulumi_token", "pul-", Alphabet::Hex, 40, 40),
    form("planetscale_token", "pscale_tkn_", Alphabet::Dotted, 32, 64),
    form("supabase_token", "sbp_", Alphabet::Hex, 40, 40),
    form("age_key", "AGE-SECRET-KEY-1", Alphabet::Alnum, 58, 58),
    // Shops and payment.
    form("shopify_token", "shpat_", Alphabet::Hex, 32, 32),
    form("shopify_token", "shpca_", Alphabet::Hex, 32, 32),
    form("shopify_token", "shppa_", Alphabet::Hex, 32, 32),
    form("shopify_token", "shpss_", Alphabet::Hex, 32, 32),
    form("square_token", "sq0atp-", Alphabet::Url, 22, 60),
    form("square_secret", "sq0csp-", Alphabet::Url, 43, 60),
    // Monitoring and planning.
    form("newrelic_key", "NRAK-", Alphabet::Alnum, 27, 27),
    form("sentry_token", "sntrys_", Alphabet::Base64, 80, 400),
    form("sentry_token", "sntryu_", Alphabet::Hex, 64, 64),
    form("grafana_token", "glsa_", Alphabet::Word, 41, 41),
    form("grafana_token", "glc_", Alphabet::Base64, 32, 400),
    form("postman_key", "PMAK-", Alphabet::Url, 59, 59),
    form("linear_key", "lin_api_", Alphabet::Alnum, 40, 40),
    form("notion_token", "ntn_", Alphabet::Alnum, 46, 46),
    form("atlassian_token", "ATATT3", Alphabet::Url, 150, 220),
    form("figma_token", "figd_", Alphabet::Url, 40, 64),
    // More issuers, by the patterns of gitleaks.
    form("xai_key", "xai-", Alphabet::Alnum, 70, 90),
    form("perplexity_key", "pplx-", Alphabet::Alnum, 40, 64),
    form("nvidia_key", "nvapi-", Alphabet::Url, 50, 80),
    form("pinecone_key", "pcsk_", Alphabet::Word, 40, 90),
    form("langsmith_key", "lsv2_", Alphabet::Word, 30, 90),
    form("airtable_token", "pat", Alphabet::Dotted, 79, 79),
    form("artifactory_key", "AKCp", Alphabet::Alnum, 60, 80),
    form("bitbucket_token", "ATBB", Alphabet::Url, 30, 60),
    form("atlassian_token", "ATCTT3", Alphabet::Url, 150, 220),
    form("aws_bedrock_key", "ABSK", Alphabet::Base64, 100, 280),
    form("clojars_token", "CLOJARS_", Alphabet::Alnum, 60, 60),
    form(
        "cloudinary_secret",
        "CLOUDINARY_SECRET=",
        Alphabet::Url,
        20,
        40,
    ),
    form("duffel_token", "duffel_live_", Alphabet::Url, 40, 44),
    form("duffel_token", "duffel_test_", Alphabet::Url, 40, 44),
    form("dynatrace_token", "dt0c01.", Alphabet::Dotted, 80, 100),
    form("easypost_token", "EZAK", Alphabet::Alnum, 54, 54),
    form("easypost_token", "EZTK", Alphabet::Alnum, 54, 54),
    form("facebook_token", "EAA", Alphabet::Alnum, 60, 400),
    form("flutterwave_key", "FLWSECK-", Alphabet::Url, 30, 50),
    form("flutterwave_key", "FLWSECK_TEST-", Alphabet::Url, 12, 50),
    form("flyio_token", "fo1_", Alphabet::Url, 43, 43),
    form("frameio_token", "fio-u-", Alphabet::Url, 60, 70),
    form("heroku_key", "HRKU-", Alphabet::Url, 36, 70),
    form("hubspot_token", "pat-na1-", Alphabet::Url, 36, 36),
    form("hubspot_token", "pat-eu1-", Alphabet::Url, 36, 36),
    form("infracost_key", "ico-", Alphabet::Alnum, 32, 32),
    form("instagram_token", "IGQV", Alphabet::Url, 60, 400),
    form("launchdarkly_key", "sdk-", Alphabet::Url, 36, 36),
    form("mollie_key", "live_", Alphabet::Alnum, 30, 30),
    form("mollie_key", "test_", Alphabet::Alnum, 30, 30),
    form("netlify_token", "nfp_", Alphabet::Alnum, 36, 44),
    form("octopus_key", "API-", Alphabet::Alnum, 26, 26),
    form("onepassword_token", "ops_eyJ", Alphabet::Base64, 100, 2000),
    form(
        "planetscale_password",
        "pscale_pw_",
        Alphabet::Dotted,
        32,
        64,
    ),
    form(
        "planetscale_token",
        "pscale_oauth_",
        Alphabet::Dotted,
        32,
        64,
    ),
    form("plaid_token", "access-production-", Alphabet::Url, 36, 36),
    form("plaid_token", "access-sandbox-", Alphabet::Url, 36, 36),
    form("prefect_token", "pnu_", Alphabet::Alnum, 36, 36),
    form("razorpay_key", "rzp_live_", Alphabet::Alnum, 14, 24),
    form("razorpay_key", "rzp_test_", Alphabet::Alnum, 14, 24),
    form("readme_token", "rdme_", Alphabet::Alnum, 70, 70),
    form("recaptcha_key", "6L", Alphabet::Url, 38, 38),
    form("render_key", "rnd_", Alphabet::Alnum, 28, 40),
    form("shippo_token", "shippo_live_", Alphabet::Hex, 40, 40),
    form("shippo_token", "shippo_test_", Alphabet::Hex, 40, 40),
    form("sonarqube_token", "squ_", Alphabet::Hex, 40, 40),
    form("sonarqube_token", "sqp_", Alphabet::Hex, 40, 40),
    form("sourcegraph_token", "sgp_", Alphabet::Word, 40, 64),
    form("square_token", "EAAA", Alphabet::Url, 56, 60),
    form("typeform_token", "tfp_", Alphabet::Url, 40, 80),
    form("vault_token", "hvb.", Alphabet::Url, 130, 300),
    form("vk_token", "vk1.a.", Alphabet::Url, 60, 300),
    form("yandex_key", "AQVN", Alphabet::Url, 34, 40),
    form("brevo_key", "xsmtpsib-", Alphabet::Url, 81, 81),
    form("gitlab_token", "glft-", Alphabet::Url, 20, 64),
    form("gitlab_token", "glimt-", Alphabet::Url, 20, 64),
    form("gitlab_token", "glagent-", Alphabet::Url, 50, 64),
    form("gitlab_token", "gloas-", Alphabet::Hex, 64, 64),
    form("newrelic_key", "NRJS-", Alphabet::Hex, 19, 19),
    form("newrelic_key", "NRII-", Alphabet::Url, 32, 32),
    form("google_token", "1//0", Alphabet::Url, 40, 120),
    form("mailgun_key", "pubkey-", Alphabet::Hex, 32, 32),
    form("mailjet_key", "mj-", Alphabet::Hex, 32, 32),
    form("twilio_account", "AC", Alphabet::Hex, 32, 32),
    form("amazon_mws_token", "amzn.mws.", Alphabet::Url, 36, 36),
    form(
        "paypal_token",
        "access_token$production$",
        Alphabet::Dollar,
        49,
        49,
    ),
    form(
        "discord_webhook",
        "discord.com/api/webhooks/",
        Alphabet::Path,
        60,
        110,
    ),
    form(
        "discord_webhook",
        "discordapp.com/api/webhooks/",
        Alphabet::Path,
        60,
        110,
    ),
    form(
        "slack_webhook",
        "hooks.slack.com/workflows/",
        Alphabet::Base64,
        40,
        90,
    ),
    form(
        "zapier_webhook",
        "hooks.zapier.com/hooks/catch/",
        Alphabet::Path,
        10,
        60,
    ),
    form(
        "teams_webhook",
        "webhook.office.com/webhookb2/",
        Alphabet::Path,
        60,
        250,
    ),
    form(
        "telegram_token",
        "api.telegram.org/bot",
        Alphabet::Colon,
        40,
        60,
    ),
    // Headers, for tokens of any issuer.
    form("bearer_token", "Bearer ", Alphabet::Dotted, 12, 512),
    form("basic_auth", "Basic ", Alphabet::Base64, 16, 512),
    // The path of a webhook is secret: it is the only protection.
    form(
        "slack_webhook",
        "hooks.slack.com/services/",
        Alphabet::Base64,
        40,
        64,
    ),
];

/// Words in the names of secrets. [`super::named`] examines the whole name.
pub(super) const NAMES: &[&str] = &[
    "pass",
    "pwd",
    "pw",
    "kennwort",
    "secret",
    "token",
    "key",
    "salt",
    "pepper",
    "credential",
    "bearer",
];
