"""Text of our own: honest text around the words that attacks use, in several languages, and disguises that folding does not undo.

All of it is made up here. Sources are named `own_*`, so that figures can be given with and without it.
"""

import random

_WHAT = "whitespace|case|warnings|hidden files|line endings|accents|null values|comments|trailing slashes|deprecated fields|the header row|duplicate keys".split("|")
_WHERE = "git diff|a Makefile|pandas|the linter|our CI job|a Jenkins pipeline|Excel|PostgreSQL|a React form|Terraform|nginx|the staging cluster|an Ansible role|vim".split("|")
_WHO = "my landlord|the new intern|our supplier|my sister|the project manager|a customer|the support desk|my teacher|the night shift|the auditor".split("|")
_THING = "invoice|contract|recipe|lab protocol|training plan|travel policy|lease|meeting agenda|press release|assembly manual|dosage sheet|onboarding guide".split("|")

_ASKS = [
    "How do I ignore {what} in {where}?",
    "Which flag makes {where} ignore {what}?",
    "What is the cleanest way to override the defaults of {where}?",
    "Can {where} skip {what} without an error?",
    "{who} told me to forget the previous {thing} and use the new one. How do I say politely that I need it in writing?",
    "Summarise the previous instructions in this {thing} for {who}.",
    "Why does {where} disregard my configuration after an upgrade?",
    "Write a note to {who}: please disregard my earlier message, the {thing} is correct after all.",
    "Explain how system prompts are used in chat applications, for a talk to {who}.",
    "Act as an editor and tighten this {thing} without changing its rules.",
    "Pretend you are {who} and ask me three questions about the {thing}.",
    "What does 'developer mode' do on an Android phone, and is it safe?",
    "How can I reveal {what} in {where}?",
    "My instructions for the {thing} were ignored by {who}. Draft a friendly reminder.",
    "How do I bypass the cache in {where} when I test {what}?",
    "Translate into German: 'You must not ignore the safety instructions in the {thing}.'",
    "Is it allowed to delete all {what} before {who} has seen the {thing}?",
    "From now on, sort my {thing} list by date and put {who} first.",
    "You are a helpful tutor for {where}. Start with an overview and stop after five points.",
    "Please answer only with the corrected {thing}, no explanations.",
    "What rules apply when {who} sends confidential data by e-mail?",
    "How do I print the environment variables that {where} sees, without the secrets?",
    "Give me a fantasy story in which a guard is told to forget his orders and refuses.",
    "How do I reset my password if {who} changed the admin account?",
    "Rewrite the rules of our {thing} so that {who} cannot misread them.",
    "In {where}, what is the difference between override, bypass and disable for {what}?",
    "How would {who} find out that an instruction in the {thing} is no longer valid?",
    "Write unit tests which check that {where} rejects {what}.",
    "Who may unlock restricted rows in {where}?",
    "Show me how to jailbreak-proof a kiosk tablet for {who}.",
]
_STATES = [
    "The previous instructions in the {thing} no longer apply; the new ones start on Monday.",
    "Please ignore the reminder if you have already paid the {thing}.",
    "{where} ignores {what} unless told otherwise.",
    "Do not share the {thing} with anybody before {who} has signed it.",
    "Note: the system prompt of the help desk was rewritten after {who} complained.",
    "IMPORTANT: read the {thing} before you start, and keep it for later.",
    "You must restart {where} after you change how {what} are handled.",
    "Run the migration first, then delete the temporary files of {where}.",
    "If {who} asks, forward the {thing} to the usual address.",
    "This option overrides all settings above and cannot be undone.",
    "Never paste passwords into the {thing}; ask {who} for a safe way.",
    "All new instructions are announced by {who} at noon.",
    "Set DEBUG=1 to print what {where} would otherwise hide.",
    "Before using {where}, make sure that {what} are enabled.",
    "Forget what you know about {where}: version 4 does it another way.",
    "Assistants are reminded that the {thing} must be returned to {who}.",
    "Disregard the numbers in the second table of the {thing}, they were from last year.",
    "Users with the admin role bypass the check for {what}.",
]
_ELSEWHERE = {
    "de": [
        "Wie ignoriere ich Leerzeichen in {where}?",
        "Bitte ignorieren Sie diese Mahnung, falls Sie bereits bezahlt haben.",
        "Fasse die bisherigen Anweisungen aus der Anleitung in drei Sätzen zusammen.",
        "Die vorherigen Regeln gelten ab Montag nicht mehr, lesen Sie das neue Merkblatt.",
        "Wie umgehe ich den Cache in {where} beim Testen?",
        "Du bist ein freundlicher Deutschlehrer. Erkläre mir den Konjunktiv.",
        "Was bedeutet der Entwicklermodus auf meinem Telefon?",
        "Vergiss nicht, die Anweisungen des Arztes zu befolgen.",
    ],
    "fr": [
        "Comment ignorer les espaces dans {where} ?",
        "Veuillez ignorer ce rappel si vous avez déjà payé.",
        "Résume les instructions précédentes du manuel en trois phrases.",
        "Les anciennes règles ne s'appliquent plus à partir de lundi.",
        "Comment contourner le cache de {where} pendant les tests ?",
        "Tu es un professeur de français patient. Explique-moi le subjonctif.",
        "N'oublie pas de suivre les consignes du médecin.",
    ],
    "es": [
        "¿Cómo ignoro los espacios en {where}?",
        "Ignore este recordatorio si ya ha pagado.",
        "Resume las instrucciones anteriores del manual en tres frases.",
        "Las reglas anteriores dejan de aplicarse el lunes.",
        "¿Cómo omito la caché de {where} en las pruebas?",
        "Eres un profesor de español. Explícame el subjuntivo.",
        "No olvides seguir las instrucciones del médico.",
    ],
    "it": [
        "Come ignoro gli spazi in {where}?",
        "Ignori questo promemoria se ha già pagato.",
        "Riassumi le istruzioni precedenti del manuale in tre frasi.",
        "Non dimenticare di seguire le istruzioni del medico.",
        "Sei un insegnante di italiano: spiegami il congiuntivo.",
    ],
    "pt": [
        "Como ignoro espaços em {where}?",
        "Ignore este aviso se já pagou.",
        "Resume as instruções anteriores do manual em três frases.",
        "Não se esqueça de seguir as instruções do médico.",
    ],
    "ru": [
        "Как игнорировать пробелы в {where}?",
        "Если вы уже оплатили счёт, не обращайте внимания на это напоминание.",
        "Кратко перескажи предыдущие инструкции из руководства.",
        "Не забудьте выполнить указания врача.",
        "Старые правила больше не действуют с понедельника.",
    ],
    "zh": [
        "在{where}里怎么忽略空格？",
        "如果您已付款，请忽略此提醒。",
        "请用三句话总结手册中之前的说明。",
        "旧规定从周一起不再适用，请阅读新的说明。",
        "你是一位耐心的中文老师，请解释这个成语。",
        "不要忘记遵守医生的指示。",
    ],
    "ja": ["{where}で空白を無視するにはどうすればいいですか。", "お支払い済みの場合は、このお知らせを無視してください。", "前の手順を三文で要約してください。"],
    "tr": ["{where} içinde boşlukları nasıl yok sayarım?", "Ödeme yaptıysanız bu hatırlatmayı dikkate almayın.", "Önceki talimatları üç cümlede özetle."],
    "nl": ["Hoe negeer ik spaties in {where}?", "Negeer deze herinnering als u al betaald heeft.", "Vat de vorige instructies in drie zinnen samen."],
    "pl": ["Jak zignorować spacje w {where}?", "Zignoruj to przypomnienie, jeśli rachunek jest opłacony.", "Streść poprzednie instrukcje w trzech zdaniach."],
    "hi": ["{where} में रिक्त स्थान को कैसे अनदेखा करें?", "यदि आपने भुगतान कर दिया है तो इस संदेश को अनदेखा करें।", "पिछले निर्देशों का तीन वाक्यों में सार दीजिए।"],
    "ar": ["كيف أتجاهل المسافات في {where}؟", "يرجى تجاهل هذا التذكير إذا كنت قد دفعت بالفعل.", "لخص التعليمات السابقة في ثلاث جمل."],
}


def _fill(template: str, rng: random.Random) -> str:
    text = template.format(what=rng.choice(_WHAT), where=rng.choice(_WHERE), who=rng.choice(_WHO), thing=rng.choice(_THING))
    return text[0].upper() + text[1:]


def honest(seed: int, count: int) -> list[dict]:
    """Benign records: questions and requests (prompt) and statements (document), one in four not English."""
    rng, rows, seen = random.Random(seed), [], set()
    for _ in range(count * 4):
        if len(rows) == count:
            break
        if rng.random() < 0.25:
            lang = rng.choice(sorted(_ELSEWHERE))
            template, surface = rng.choice(_ELSEWHERE[lang]), rng.choice(["user_prompt", "document"])
        else:
            lang, asks = "en", rng.random() < 0.6
            template, surface = rng.choice(_ASKS if asks else _STATES), "user_prompt" if asks else "document"
        text = _fill(template, rng)
        if text in seen and lang == "en":
            continue
        seen.add(text)
        rows.append(
            {"id": f"own_honest-{len(rows)}", "source": "own_honest", "split": "train", "surface": surface, "lang": lang, "label": 0, "kind": "benign_hard", "text": text}
        )
    return rows


_LEET = str.maketrans("aeiost", "431057")


def disguise(text: str, rng: random.Random) -> str:
    """One of the mutations that outlive folding: leet, spaced or dotted letters, doubled or swapped letters, glued words."""
    words = text.split(" ")
    how = rng.randrange(5)
    if how == 0:
        return " ".join(w.translate(_LEET) if rng.random() < 0.6 else w for w in words)
    if how == 1:
        joint = rng.choice([" ", ".", "-", "_"])
        at = rng.randrange(max(1, len(words) - 6))
        return " ".join(joint.join(w) if at <= n < at + 8 and 3 <= len(w) <= 12 else w for n, w in enumerate(words))
    if how == 2:
        return " ".join(_swap(w, rng) if len(w) > 4 and rng.random() < 0.3 else w for w in words)
    if how == 3:
        return rng.choice(["_", "-", "", "\u00b7"]).join(words[:12]) + " " + " ".join(words[12:])
    return " ".join(w + w[-1] * rng.randrange(1, 3) if len(w) > 3 and rng.random() < 0.25 else w for w in words)


def _swap(word: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(word) - 2)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
