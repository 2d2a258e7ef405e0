//! What whoever starts a simulator may choose. Plain data; nothing here acts.

use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use super::variants::{Variant, Variants};

/// How a simulator is set up. `Default` listens on a free loopback port and knows a partner and two of its customers, the
/// first of which is what the first fields name.
#[derive(Clone)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The id of the first account's client.
    pub client_id: String,
    /// The secret of that client.
    pub client_secret: String,
    /// Who the client is: the `principalId` of its tokens.
    pub principal_id: String,
    /// The first account's GUID.
    pub account_id: String,
    /// The first account's number, accepted wherever the GUID is.
    pub account_number: String,
    /// The other accounts. One of them may be a partner's, who looks after all accounts.
    pub others: Vec<Tenant>,
    /// How many users each account has from the start; their phones are 3001, 3002, …
    pub users: u32,
    /// The password of every user.
    pub password: String,
    /// How long an access token is good for.
    pub token_lifetime: Duration,
    /// How long a refresh token is good for.
    pub refresh_lifetime: Duration,
    /// How long an authorization code is good for.
    pub code_lifetime: Duration,
    /// In which ways this CloudLink is different from what is assumed.
    pub variants: Variants,
    /// How the signature of a webhook is written.
    pub signature: SignatureForm,
    /// How webhooks are sent, and sent again.
    pub redelivery: Redelivery,
    /// Seconds by which every time of this world is ahead of the machine's clock; negative: behind it. A demo shows an
    /// evening in the morning with it.
    pub clock_offset: i64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            client_id: "simulator".to_owned(),
            client_secret: "simulator".to_owned(),
            principal_id: "6c1f0a52-5d0e-4b8e-9a57-0d1c5b2a7e10".to_owned(),
            account_id: "5b1f7f04-9c3d-4e0b-8a1e-2f6d0c9b7a31".to_owned(),
            account_number: "10000495".to_owned(),
            others: vec![Tenant::partner(), Tenant::customer()],
            users: 12,
            password: "simulator".to_owned(),
            token_lifetime: Duration::from_hours(1),
            refresh_lifetime: Duration::from_hours(14 * 24),
            code_lifetime: Duration::from_mins(5),
            variants: Variants::default(),
            signature: SignatureForm::Hex,
            redelivery: Redelivery::default(),
            clock_offset: 0,
        }
    }
}

impl Options {
    /// How signatures are written: as a variant says, else as was chosen.
    pub(crate) fn signature_form(&self) -> SignatureForm {
        let forms = [
            (Variant::SignatureUpper, SignatureForm::UpperHex),
            (Variant::SignaturePrefixed, SignatureForm::Prefixed),
            (Variant::SignatureBase64, SignatureForm::Base64),
            (Variant::SignatureBase64Url, SignatureForm::Base64Url),
        ];
        let played = forms.into_iter().find(|(variant, _)| self.variants.has(*variant));
        played.map_or(self.signature, |(_, form)| form)
    }

    /// All accounts, the first of them first.
    pub(crate) fn tenants(&self) -> Vec<Tenant> {
        let first = Tenant {
            account_id: self.account_id.clone(),
            account_number: self.account_number.clone(),
            name: "Example Dental Practice".to_owned(),
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
            principal_id: self.principal_id.clone(),
            partner: false,
        };
        std::iter::once(first).chain(self.others.iter().cloned()).collect()
    }
}

/// An account with a client of its own.
#[derive(Clone)]
pub struct Tenant {
    /// The account's GUID.
    pub account_id: String,
    /// The account's number.
    pub account_number: String,
    /// The account's name.
    pub name: String,
    /// The id of its client.
    pub client_id: String,
    /// The secret of that client.
    pub client_secret: String,
    /// Who the client is: the `principalId` of its tokens.
    pub principal_id: String,
    /// Whether it is the partner who looks after all accounts.
    pub partner: bool,
}

impl Tenant {
    /// The partner that every simulator has unless told otherwise: client and secret are `partner`.
    pub fn partner() -> Self {
        Self {
            account_id: "a0c4f2d8-6b1e-4f57-9d20-8c3b7e5a1f44".to_owned(),
            account_number: "10000001".to_owned(),
            name: "Example Telecom Partner".to_owned(),
            client_id: "partner".to_owned(),
            client_secret: "partner".to_owned(),
            principal_id: "d2b7c1a9-3e64-4a0f-b5c8-71f09e2d6b30".to_owned(),
            partner: true,
        }
    }

    /// The partner's second customer: client and secret are `customer`.
    pub fn customer() -> Self {
        Self {
            account_id: "c7e35a10-2d9b-4c86-8f4a-0b6d1e9f7352".to_owned(),
            account_number: "10000777".to_owned(),
            name: "Example Car Rental".to_owned(),
            client_id: "customer".to_owned(),
            client_secret: "customer".to_owned(),
            principal_id: "f81d0c36-9a42-4be7-a6d5-2c5e8b3f1097".to_owned(),
            partner: false,
        }
    }
}

/// How the 32 bytes of `x-notify-signature` are written. Which one the real service uses is not public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureForm {
    /// Lower-case hex.
    Hex,
    /// Upper-case hex.
    UpperHex,
    /// Lower-case hex after `sha256=`.
    Prefixed,
    /// Base64 with padding.
    Base64,
    /// Base64 for URLs, without padding.
    Base64Url,
}

impl FromStr for SignatureForm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "hex" => Ok(Self::Hex),
            "HEX" => Ok(Self::UpperHex),
            "prefixed" => Ok(Self::Prefixed),
            "base64" => Ok(Self::Base64),
            "base64url" => Ok(Self::Base64Url),
            other => Err(format!("`{other}` is none of hex, HEX, prefixed, base64, base64url")),
        }
    }
}

/// How webhooks are sent until one is answered with 2xx. Whether the real service repeats at all is not public.
#[derive(Clone, Debug)]
pub struct Redelivery {
    /// The pauses after the first failures, one by one; after the last of them a publication is given up. Empty: the
    /// pause doubles, as below.
    pub schedule: Vec<Duration>,
    /// The pause after the first failure; it doubles with each further one.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// How long after the first attempt a publication is given up.
    pub give_up_after: Duration,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long one attempt may take from connecting to the answer.
    pub answer_timeout: Duration,
}

impl Redelivery {
    /// The pause after so many failed attempts (at least 1), of which the first was so long ago; none: it is given up.
    pub(crate) fn pause(&self, failed: u32, since_first: Duration) -> Option<Duration> {
        let nth = failed.saturating_sub(1);
        if !self.schedule.is_empty() {
            return self.schedule.get(nth as usize).copied();
        }
        let pause = self.first_pause.saturating_mul(2_u32.saturating_pow(nth)).min(self.longest_pause);
        (since_first + pause <= self.give_up_after).then_some(pause)
    }
}

impl Default for Redelivery {
    fn default() -> Self {
        Self {
            schedule: vec![],
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(5),
            give_up_after: Duration::from_mins(10),
            connect_timeout: Duration::from_secs(2),
            answer_timeout: Duration::from_secs(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_or_follow_the_schedule() {
        let ms = Duration::from_millis;
        let doubling = Redelivery { longest_pause: ms(1500), give_up_after: ms(3000), ..Redelivery::default() };
        let pauses = [1, 2, 3, 40].map(|failed| doubling.pause(failed, ms(0)));
        assert_eq!(pauses, [Some(ms(500)), Some(ms(1000)), Some(ms(1500)), Some(ms(1500))]);
        assert_eq!(doubling.pause(1, ms(2501)), None);
        let planned = Redelivery { schedule: vec![ms(7), ms(1)], ..Redelivery::default() };
        assert_eq!([1, 2, 3].map(|failed| planned.pause(failed, ms(0))), [Some(ms(7)), Some(ms(1)), None]);
    }
}
