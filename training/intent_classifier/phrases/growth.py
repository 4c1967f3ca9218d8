"""Saving and investing, retirement and taxes."""

from training.intent_classifier.phrases.grammar import Intent

RETIREMENT_PLANNING = Intent(
    patterns=(
        "(help|guide) me (plan|prepare) for (my|) (retirement|pension)",
        "help me save (up|money|enough) for (my|) (retirement|old age)",
        "how much (should|must) i save (for retirement|to retire at {age})",
        "(can i|will i be able to) retire (at|by) {age} (|with {amount})",
        "(what|how big a) corpus do i need (to retire|for retirement) at {age}",
        "is {amount} enough (to retire|for retirement|for my old age)",
        "(make|create|build) a retirement plan (|for me|to stop working at {age})",
        "i want to (retire|stop working) (at|by) {age} , (how much should i save|what should i do)",
        "(am i|are we) (saving enough|on track) (for|to reach) retirement (|at {age})",
        "how (do|can) i get a (pension|monthly income) of {amount} after (retirement|{age})",
        "retirement ke liye (kitna bachana hoga|paise kaise bachaye|plan banao|bachat kaise kare)",
        "budhape ke liye (kitna paisa chahiye|saving kaise kare|plan banao)",
        "{age} saal mein retire (hona hai|hone ke liye kitna chahiye|ho sakta hoon kya)",
        "how long will {amount} last (after i retire|in retirement|once i stop working)",
        "(start|plan) saving for (my retirement|old age|life after {age})",
        "retirement (planning|savings|corpus) (|for age {age}|help)",
    ),
    done=("made a retirement plan", "worked out my retirement corpus"),
    topics=("my retirement", "the retirement plan", "the pension question"),
)

START_INVESTMENT = Intent(
    patterns=(
        "(start|open|begin) a {product} (of|with|for) {amount}",
        "(i want to|help me|how do i) (start|open|begin) (a|an) {product}",
        "invest {amount} in (a|an|my) {product} (|every month|now)",
        "(move|put) {amount} from my savings account (into|to|in) (a|my) {product}",
        "(put|park|add) {amount} (in|into) (a|my) {product} (|for {tenure})",
        "(where|in what) should i invest {amount} (|for {tenure})",
        "(which|what) {product} should i (buy|invest in|start) (|for {tenure})",
        "(increase|raise|step up) my {product} (by|to) {amount}",
        "(buy|purchase) {amount} of (a|an|the) {product}",
        "{amount} ka {product} (shuru karo|start karna hai|kholna hai|chalu karo)",
        "{amount} kahan (invest karu|invest kare|lagau|lagaye|lagana chahiye|daalu|daale)",
        "{product} mein {amount} (daalo|daal do|lagao|laga do|invest karo|invest karna hai)",
        "i have {amount} (idle|lying idle|to invest) , (where should i put it|invest it for me)",
        "(set up|register) a monthly {product} (of|for) {amount} (|on the {day})",
        "best {product} to (invest in|start|buy) (now|for {tenure})",
    ),
    done=("started a {product}", "invested {amount} in a {product}"),
    topics=("starting a {product}", "the new {product}", "where to invest {amount}"),
)

WITHDRAW_INVESTMENT = Intent(
    patterns=(
        "(redeem|sell|withdraw|encash) (my|the|all my) {product}",
        "(i want to|how do i|can i) (break|redeem|withdraw|close) my {product}",
        "(move|put|shift) {amount} from my {product} (back to|to|into) my savings account",
        "(redeem|withdraw|sell|take out) {amount} (from|of) my {product}",
        "(stop|cancel|pause) my {product} (|of {amount}|from {month})",
        "(break|close) my {bank} (fd|fixed deposit|rd) (|early|before maturity)",
        "what is the (penalty|exit load|charge) (for breaking|to break|to redeem) my {product}",
        "how (soon|fast|long) (can|before) i get (my|the) money (out of|from) my {product}",
        "mera {product} "
        "(tod do|tod dena|todna hai|band karo|band kar do|redeem karo|redeem kar do)",
        "{product} se {amount} (nikalna hai|nikalo|nikal do|withdraw karo|wapas chahiye)",
        "i need (money|cash|{amount}) (urgently|) , (sell|redeem|break) (my|the) {product}",
        "(get|take) (my|the|all) money out of (my|the) {product}",
        "(exit|get out of|liquidate|surrender) my {product} (|now|fully)",
        "(discontinue|stop) the monthly {product} (|of {amount})",
    ),
    done=("redeemed my {product}", "broken my {product}"),
    topics=("redeeming my {product}", "breaking the {product}", "stopping the {product}"),
)

INVESTMENT_PERFORMANCE = Intent(
    patterns=(
        "how (is|are) my (portfolio|investments|{product}) (doing|performing)",
        "(what is|show) (the return|the gain|the profit) on my {product} (|{period})",
        "(how much|what) (return|profit|gain) (has|did) my {product} (given|make|made)",
        "(show|track|review) my (portfolio|investments) (|performance|returns)",
        "is my {product} (in profit|in loss|up|down|beating inflation)",
        "(what is|tell me|show) the "
        "(current value|present value|nav|latest nav|worth) of my {product}",
        "how much is my (portfolio|{product}) (worth|up|down) (now|today|{period})",
        "(what is|show) the xirr (of|on) my (portfolio|{product})",
        "(why is|how come) my (portfolio|{product}) (down|falling|in the red) {period}",
        "mera {product} kaisa (chal raha hai|perform kar raha hai|kar raha hai|raha)",
        "(portfolio|{product}) pe kitna (return|munafa|profit) (mila|hua|aaya)",
        "meri (investments|portfolio) ki (value|performance) (batao|dikhao)",
        "(have|did) my investments (grown|gained|lost money) {period}",
        "(compare|show) my {product} returns (with|against) (nifty|the sensex|a fixed deposit)",
        "which of my (funds|investments) (did|performed) (best|worst) {period}",
        "portfolio (returns|performance|value) (|{period})",
    ),
    done=("reviewed my portfolio", "seen the returns of my {product}"),
    topics=("my portfolio returns", "how my {product} performs", "the value of my investments"),
)

TAX_SAVING = Intent(
    patterns=(
        "how (can|do) i save (tax|more tax|income tax) (|this year|on {salary})",
        "(help me|i want to) (save|reduce|lower) (my|) (tax|income tax)",
        "(what|which) (investments|options|products) (save tax|qualify) under "
        "(80c|80d|section 80c)",
        "(old|new) regime or (new|old) regime , (which is better|which saves more)",
        "which tax regime (should i choose|is better) (|for {salary} a month)",
        "how much more (can|should) i invest (under|to use up) (80c|80d|section 80c)",
        "(can i|how do i) claim (hra|80d|80c|home loan interest) (deduction|exemption|)",
        "how (much|to) (reduce|lower|cut) (my|) (tds|tax|tax outgo)",
        "(how much|what) tax will i (pay|have to pay) on {amount} (income|salary|profit)",
        "(best|good) tax saving (options|investments|funds) (|for me|under 80c)",
        "tax (kaise bachaye|bachane ke tareeke|bachana hai|kam kaise kare)",
        "80c (mein kya aata hai|mein kitna bacha hai|limit kitni hai)",
        "(does|will) {product} (save tax|come under 80c|fall under 80c|give a tax benefit)",
        "is the (interest|gain) (on|from) my {product} (taxable|tax free)",
        "(is there|do i get) a tax (benefit|deduction) on (my {loan}|{product}|health insurance)",
        "tax (planning|saving) (for|on) (a salary of|an income of) {salary}",
    ),
    done=("chosen a tax regime", "used up my 80c limit"),
    topics=("saving tax", "the 80c deduction", "the tax regime"),
)

TAX_FILING = Intent(
    patterns=(
        "(file|submit|upload) my (itr|income tax return|tax return)",
        "(help me|how do i|i want to) file (my|) (itr|income tax return|tax return)",
        "when is the (last date|due date|deadline) (for|to) (file|filing) (itr|the tax return)",
        "(where is|when will i get|what is the status of) my (itr|tax|income tax) refund",
        "(which|what) itr form (should i|do i have to) (use|file|fill) (|for salary)",
        "(has|is) my (itr|tax return) (been processed|processed|verified|filed)",
        "(how do i|help me) (e verify|verify|revise) my (itr|tax return)",
        "(download|get|where is) my form 16 (|for the itr)",
        "mera (itr|tax return) (file karo|bharna hai|bhar do)",
        "(itr|tax) refund kab (aayega|milega|tak aayega)",
        "itr (bharne|file karne) ki (last date|aakhri tareekh) (kya hai|kab hai)",
        "(i got|there is) a notice from the income tax department (about|on) my (itr|return)",
        "(what documents|which papers) (do i need|are needed) (to file|for) "
        "(the itr|my tax return)",
        "can i (still|) file (a belated|a revised|my) (itr|return) (after|by) {month}",
        "(itr|tax return) (filing|status|refund status)",
        "is there a (penalty|late fee) (for|on) (filing|submitting) (itr|my return) late",
    ),
    done=("filed my itr", "verified my tax return"),
    topics=("my itr", "the tax refund", "filing the return"),
)
