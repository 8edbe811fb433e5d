//! Words of orders and of everyday English that pairs of letters alone spell wrongly, because `i` and `l` look the same.
//!
//! Found by spelling the commonest words of texts that way; also words that may be written in digits alone, which would be numbers.

/// In lower case; no two are the same but for `i` and `l`.
#[rustfmt::skip]
const WORDS: [&str; 638] = [
    "abilities", "ability", "accessibility", "acknowledge", "acknowledged", "acknowledging", "actually", "admin",
    "adult", "adults", "ai", "aid", "aims", "algorithm", "algorithms", "aliases", "alien", "all", "alla", "alle",
    "alles", "allo", "allocate", "allocation", "allow", "allowed", "allowing", "allowlist", "allows",
    "alphanumeric", "already", "alright", "also", "alter", "alternate", "alternative", "alternatively",
    "alternatives", "although", "always", "ancient", "android", "anweisungen", "api", "applied", "applies",
    "appreciate", "artificial", "ascii", "asking", "assess", "asset", "assets", "assistant", "associate",
    "associated", "association", "associations", "australia", "availability", "available", "avoid", "avoided",
    "avoiding", "avoids", "battle", "behalf", "bei", "belief", "beliefs", "believe", "believed", "believes",
    "beneficial", "bias", "biased", "biases", "bill", "billing", "billion", "bills", "blacklist", "blob", "block",
    "blockchain", "blocked", "blocking", "blocks", "blog", "blood", "bottle", "bottlenecks", "build", "builder",
    "building", "buildings", "builds", "built", "bulk", "bundle", "bundled", "calculate", "calculated",
    "calculates", "calculating", "calculation", "calculations", "calculator", "call", "callback", "callbacks",
    "called", "calls", "capabilities", "capability", "cells", "champion", "channels", "charlie", "claim", "claimed",
    "claiming", "claims", "client", "clients", "clock", "clone", "close", "closed", "closely", "closer", "closes",
    "closest", "closing", "clothes", "clothing", "cloud", "commercial", "compatibility", "compilation", "compile",
    "compiled", "compiler", "complete", "completely", "compliance", "compliant", "confidential", "conscience",
    "consult", "consultant", "copied", "copies", "copilot", "could", "crawl", "crucial", "cultural", "culture", "curl",
    "daily", "dalle", "default", "defaults", "del", "deliver", "della", "delle", "dependencies", "detail",
    "detailed", "detailing", "details", "dialogue", "difficult", "difficulty", "disable", "disabled", "disclaimer",
    "disclaimers", "disclose", "disclosure", "disregard", "download", "downloaded", "downloads", "earlier",
    "earliest", "east", "efficiency", "efficient", "efficiently", "el", "else", "elsewhere", "email", "emails",
    "enable", "entitled", "eso", "especially", "esta", "este", "ethical", "everything", "evolve", "evolving",
    "exfiltration", "explicit", "fail", "failed", "fails", "failure", "failures", "fallback", "familiar",
    "families", "fault", "feels", "fellow", "felt", "file", "files", "filter", "filtered", "filtering", "filters",
    "final", "financial", "first", "flag", "flagged", "flags", "flash", "flat", "fleet", "flexibility", "flexible",
    "float", "floor", "flow", "flowchart", "flows", "fluent", "fluid", "follow", "followed", "following", "follows",
    "fulfill", "gentle", "georgia", "girl", "global", "globally", "glossary", "gmail", "guardrail", "guardrails",
    "guidance", "guide", "guideline", "guidelines", "guides", "guiding", "half", "handle", "handled", "handler",
    "handlers", "handles", "health", "healthcare", "healthy", "hello", "helmet", "help", "helped", "helper",
    "helpers", "helpful", "helping", "helps", "herself", "hidden", "himself", "html", "i", "ignora", "ignore",
    "ignoriere", "ignoring", "il", "illegal", "imagine", "immediately", "implied", "implies", "important", "in",
    "include", "including", "influence", "influenced", "influences", "influential", "information", "initial",
    "initialization", "installs", "instruction", "instructions", "insufficient", "involve", "involved",
    "involvement", "involves", "involving", "is", "island", "istruzioni", "it", "itself", "jailbreak", "knowledge",
    "knowledgeable", "la", "labels", "laid", "language", "las", "le", "legal", "legislative", "les", "levels",
    "lie", "like", "limit", "limitation", "limitations", "limits", "link", "liquid", "list", "lista", "liste",
    "lists", "little", "live", "llm", "load", "loaded", "loading", "loads", "loan", "local", "locale", "localhost",
    "localization", "locally", "locate", "located", "location", "locations", "lock", "locked", "log", "logged",
    "logger", "logging", "logic", "logical", "logically", "login", "logs", "long", "longer", "longest", "look",
    "looked", "looking", "looks", "lookup", "lookups", "loop", "loops", "loose", "lord", "los", "lose", "losing",
    "loss", "lost", "lot", "lots", "loud", "love", "loved", "loves", "low", "lower", "lowercase", "lowest", "mail",
    "maintenance", "malformed", "maxlength", "mention", "mermaid", "middle", "middleware", "misleading", "mobile",
    "model", "models", "moral", "multimodal", "multiple", "multiplication", "myself", "nella", "newly",
    "newsletter", "noise", "observability", "occupied", "official", "officially", "oil", "olvida", "olvide", "only",
    "openai", "original", "oubliez", "overflow", "overlap", "overlapping", "overload", "paid", "panels",
    "penalties", "penalty", "piece", "pieces", "pilot", "pitfalls", "please", "poison", "poisoned", "poisoning",
    "policies", "policy", "possibility", "previous", "prior", "privileged", "probability", "prohibited", "puzzle",
    "quiet", "raise", "raised", "raises", "raising", "rapid", "rapidly", "readability", "reality", "really",
    "rebuild", "recipient", "reflect", "reflected", "reflecting", "reflection", "reflections", "reflects",
    "regardless", "reglas", "regole", "reliability", "reliable", "reliance", "relies", "replies", "reply",
    "resilience", "resolve", "resolved", "resolves", "resolving", "responsibilities", "responsibility", "result",
    "resulted", "resulting", "results", "reveal", "role", "rollback", "rollout", "rule", "rules", "said", "salt",
    "scalability", "science", "sciences", "scientific", "scientist", "scientists", "scotland", "seamless",
    "seamlessly", "seat", "see", "self", "set", "settle", "settlement", "shallow", "should", "silver",
    "simultaneously", "site", "sites", "skill", "skills", "slack", "slang", "slash", "sleep", "slides", "slow",
    "slower", "slowly", "slug", "social", "societal", "society", "sollte", "solve", "solves", "solving", "special",
    "specialist", "specialized", "specializing", "species", "stability", "stata", "state", "states", "stato",
    "stealth", "still", "strategies", "subtle", "sufficient", "sulla", "supplied", "suppliers", "supplies",
    "sustainability", "tackle", "tailored", "tailwind", "talk", "talking", "talks", "taste", "technologies", "tell",
    "tells", "test", "testo", "tests", "themselves", "think", "this", "title", "titled", "titles", "told", "tool",
    "toolkit", "tools", "total", "trailing", "translate", "translated", "translation", "translations", "travels",
    "tutti", "ultimate", "ultimately", "ultra", "unavailable", "unbiased", "unfiltered", "unless", "unlimited",
    "unlock", "unlocks", "unrestricted", "until", "url", "urls", "vault", "vergiss", "visibility", "void",
    "vulnerabilities", "vulnerability", "vulnerable", "walk", "walking", "walks", "walls", "wealth", "welche",
    "welcome", "will", "with", "without", "workflow", "workflows", "workload", "workloads", "world", "worldwide",
    "would", "yellow", "yield", "yourself",
];

const SLOTS: usize = 2048;

/// The numbers of the words, from one, each in the slot that its letters choose or one of the next.
static PLACES: [u16; SLOTS] = {
    let (mut places, mut number) = ([0; SLOTS], 0);
    while number < WORDS.len() {
        let word = WORDS[number].as_bytes();
        let mut slot = slot(word);
        while places[slot] != 0 {
            slot = (slot + 1) % SLOTS;
        }
        number += 1;
        places[slot] = number as u16;
    }
    places
};

/// The letter, small, and the same for `i` and `l`.
const fn alike(letter: u8) -> u8 {
    match letter.to_ascii_lowercase() {
        b'i' => b'l',
        letter => letter,
    }
}

const fn slot(word: &[u8]) -> usize {
    let (mut hash, mut at) = (0x811c_9dc5_u32, 0);
    while at < word.len() {
        hash = (hash ^ alike(word[at]) as u32).wrapping_mul(0x0100_0193);
        at += 1;
    }
    (hash ^ hash >> 15) as usize % SLOTS
}

/// How a word is spelled that has `i` or `l` here and there, whichever it is; `None` for words that are not in the list.
pub(super) fn spelled(word: &[u8]) -> Option<&'static [u8]> {
    let mut slot = slot(word);
    while let Some(number) = PLACES[slot].checked_sub(1) {
        let known = WORDS[usize::from(number)].as_bytes();
        if known.len() == word.len() && known.iter().zip(word).all(|(a, b)| alike(*a) == alike(*b)) {
            return Some(known);
        }
        slot = (slot + 1) % SLOTS;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_found_and_is_the_only_one() {
        for word in WORDS {
            assert_eq!(spelled(word.as_bytes()), Some(word.as_bytes()), "{word}");
            assert_eq!(spelled(word.replace('i', "L").as_bytes()), Some(word.as_bytes()), "{word}");
            assert_eq!(spelled(format!("{word}q").as_bytes()), None);
        }
    }
}
