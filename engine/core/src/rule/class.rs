//! How sensitive what a rule finds is, and what sort of data it is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Family;

/// Who may see it, from anybody to few.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sensitivity {
    /// Anybody.
    Public,
    /// People of the organisation.
    Internal,
    /// Those who need it.
    Confidential,
    /// Those who are named; what gets out does harm.
    Restricted,
}

impl Sensitivity {
    /// The name in rules, policies and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Confidential => "confidential",
            Self::Restricted => "restricted",
        }
    }

    pub(super) fn of(family: Family) -> Option<Self> {
        match family {
            Family::Secret => Some(Self::Restricted),
            Family::Pii => Some(Self::Confidential),
            _ => None,
        }
    }
}

/// A sort of data that laws and standards have rules for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DataCategory {
    /// Opens something: keys, passwords, tokens.
    Credential,
    /// About a person (GDPR article 4).
    Personal,
    /// Of a special category (GDPR article 9): health, genes, biometrics, belief, origin, sexuality, union membership.
    #[serde(rename = "gdpr-9")]
    Gdpr9,
    /// Health information that identifies a person (HIPAA).
    Hipaa,
    /// Cardholder data (PCI DSS).
    Pci,
    /// Money of a person: accounts, wallets.
    Financial,
    /// How the organisation's systems are built: internal addresses and host names.
    Infrastructure,
}

impl DataCategory {
    /// The name in rules, policies and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Credential => "credential",
            Self::Personal => "personal",
            Self::Gdpr9 => "gdpr-9",
            Self::Hipaa => "hipaa",
            Self::Pci => "pci",
            Self::Financial => "financial",
            Self::Infrastructure => "infrastructure",
        }
    }

    pub(super) fn of(family: Family) -> Vec<Self> {
        match family {
            Family::Secret => vec![Self::Credential],
            Family::Pii => vec![Self::Personal],
            _ => Vec::new(),
        }
    }
}
