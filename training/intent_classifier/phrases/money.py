"""Everyday money: where it goes, plans for it, what is there, what happened, sending, bills."""

from training.intent_classifier.phrases.grammar import Intent

SPENDING_ANALYSIS = Intent(
    patterns=(
        "where (did|does) (all|) my (money|salary) go {period}",
        "where am i (spending|wasting) (the most|my money|most) {period}",
        "where is all my (salary|cash|income) (going|disappearing)",
        "how much (did|have) i (spend|spent) on {category} {period}",
        "(show|give) me (a breakup|a breakdown|an analysis) of my (spending|expenses) {period}",
        "(analyse|break down|summarise) my (spending|expenses|spends) {period}",
        "what (do i|did i) spend (the most|most of my money) on {period}",
        "how much money (left|went out of) my account (on|for) {category} {period}",
        "which category (eats|takes) (most|the most) of my (money|salary)",
        "why (am i|do i end up) spending so much {period}",
        "am i (spending|wasting) "
        "(too much|more than usual|more than before|a lot) on {category} {period}",
        "(compare|show) my (expenses|spending) on {category} (with last month|by month)",
        "mera paisa kahan (ja raha hai|kharch ho raha hai|jata hai)",
        "{category} pe kitna (kharch|spend) (hua|kiya|ho gaya) {period}",
        "(saara|pura) (paisa|salary) kahan (gaya|chala gaya|jata hai) {period}",
        "what are my (biggest|top|largest) (expenses|spends) {period}",
        "my money is (going|vanishing) somewhere , (show me where|find out where)",
        "category wise (spending|expenses) {period}",
    ),
    done=("looked at my spending", "seen where my money went"),
    topics=("my spending breakup", "how much i spend on {category}", "my expenses"),
)

BUDGET_SETUP = Intent(
    patterns=(
        "(set|create|make) a (monthly|) budget of {amount} for {category}",
        "(help me|i want to) (make|create|set up|plan) a (monthly|household|family) budget",
        "(set|put) a (limit|cap) of {amount} on my {category} (spending|expenses)",
        "limit my {category} (spending|expenses) to {amount} (a month|per week|)",
        "(alert|warn|notify) me (when|if) i spend (more than|over) {amount} on {category}",
        "(i want to|help me|i need to) "
        "(spend less|cut down|cut back|save|save money) on {category}",
        "(change|raise|lower|increase) my {category} budget to {amount}",
        "how should i (split|divide|budget) my salary of {salary}",
        "(reduce|cut|trim|bring down) my {category} (budget|limit|cap) (by|to) {amount}",
        "{category} ke liye {amount} ka budget (banao|set karo|bana do)",
        "mujhe mahine ka budget (banana hai|plan karna hai|set karna hai)",
        "budget {amount} for {category} {month}",
        "plan my (household|monthly) (expenses|budget) within {amount}",
        "(can you|) (make|draw up) a 50 30 20 budget for (me|my salary|{salary})",
        "stop me from spending (more than|above) {amount} on {category}",
    ),
    done=("set a budget for {category}", "made a monthly budget"),
    topics=("my budget", "the limit on {category}", "the monthly budget"),
)

ACCOUNT_BALANCE = Intent(
    patterns=(
        "(what is|show|tell me|check) my (account|bank|savings) balance",
        "how much (money|cash|) (do i have|is left|is there) in my {bank} account",
        "(what is|show) the balance (in|of) my {bank} (account|savings account)",
        "what is the (available|current|remaining) balance in my account (|at {bank})",
        "do i have (enough|{amount}) in my {bank} account",
        "how much (is left|remains) in my (account|savings account|wallet)",
        "{bank} (account|savings) balance (|check|please)",
        "mere {bank} account mein kitna (paisa|balance) (hai|bacha hai)",
        "(balance|account balance) (batao|dikhao|check karo)",
        "(khate|account) mein kitne paise (bache hain|hain)",
        "(has my|is my) balance (fallen|gone) below {amount}",
        "how much (can i|could i|am i able to) "
        "(withdraw|take out) from my {bank} account (now|today)",
        "(give|send) me the (current|latest|available) balance of all my accounts",
        "what is (left|remaining) in my (bank account|account) after the {biller} bill",
        "is there "
        "(enough|{amount}|enough money|enough balance) in my account for (the emi|my bills)",
    ),
    done=("checked my account balance", "seen how much is left in my account"),
    topics=("my account balance", "how much is left in my account", "my {bank} balance"),
)

TRANSACTION_HISTORY = Intent(
    patterns=(
        "(show|list|give) me my (last|recent|latest) (10|5|few) (transactions|payments)",
        "(show|list) (all|) transactions (with|at|from) {merchant} {period}",
        "(download|send|email) my {bank} (account|bank) statement for {month}",
        "(did|has) my payment (to|of {amount} to) {payee} (go|gone) through",
        "(show|find) the payment of {amount} i made to {merchant}",
        "when did i (last pay|send money to|transfer money to) {payee}",
        "has {payee} (sent|paid|transferred) me (the money|{amount}) (yet|)",
        "(did i receive|have i received) {amount} from {payee} (|{period})",
        "(show|list) (all|) (upi|card|atm) (transactions|payments) {period}",
        "(find|search) (the|a) (transaction|payment) of {amount} {period}",
        "has my (salary|pension) (been credited|come|come in|arrived|reached) {period}",
        "{payee} ko paise (gaye kya|kab gaye|kab bheje the|bheje the kya|pahunche kya|mile kya)",
        "{period} ke (transactions|payments) (dikhao|batao)",
        "(account|bank) statement (for|of) {month} (|please)",
        "did the {biller} (bill|payment) go through (|{period})",
        "what was the (debit|credit|payment) of {amount} {period} for",
        "(passbook|statement) (dikhao|download karo|bhejo) {month} ka",
    ),
    done=("downloaded my statement", "seen my recent transactions"),
    topics=("my transactions", "the statement for {month}", "my recent payments"),
)

FUND_TRANSFER = Intent(
    patterns=(
        "(send|transfer|pay) {amount} to {payee}",
        "(i want to|please|can you) (send|transfer|give) {amount} to {payee} (by upi|by imps|now)",
        "transfer {amount} from my (savings account|{bank} account) to {payee}",
        "(make|do) a (upi|neft|imps|rtgs|) (transfer|payment) of {amount} to {payee}",
        "move {amount} from my {bank} account to my {bank} account",
        "(how do i|i need to) (send|transfer) money to {payee} (|from {bank})",
        "{payee} ko {amount} (bhejo|bhej do|transfer karo|de do)",
        "{amount} {payee} ke account mein (daalo|bhejna hai|transfer karna hai)",
        "(send|transfer) money to {payee} (|via neft|by upi|on the {day})",
        "(pay|give) {payee} {amount} (from my {bank} account|back|today)",
        "(schedule|set up) a transfer of {amount} to {payee} on the {day}",
        "{payee} needs {amount} , (send it|transfer it) (now|today|from {bank})",
        "(upi|neft|imps) {amount} to {payee}",
        "i owe {payee} {amount} , (send|pay|transfer) it (now|for me|today)",
    ),
    done=("sent {amount} to {payee}", "transferred money to {payee}"),
    topics=("sending money to {payee}", "the transfer to {payee}", "the upi to {payee}"),
)

BILL_PAYMENT = Intent(
    patterns=(
        "(pay|settle|clear) (my|the) {biller} bill",
        "(i want to|can you|please) pay (my|the) {biller} bill (of {amount}|now|from {bank})",
        "(pay|settle) {amount} (for|towards) (my|the) {biller} bill",
        "(set up|enable|start) (autopay|auto debit) for (my|the) {biller} bill",
        "(pay|clear) the emi of my {loan} (now|today)",
        "{biller} ka bill (bharo|bhar do|pay karo|bharna hai)",
        "{biller} bill payment (karo|karna hai|now)",
        "(recharge|top up) my {biller} (with|for) {amount}",
        "(how do i|where can i) pay (my|the) {biller} bill (|online)",
        "(clear|pay) the (minimum|total|full) due on my {bank} credit card",
        "my {biller} bill (came|is due) , (pay it|clear it) (|from {bank})",
        "pay (this month's|the pending|{month}) {biller} bill",
        "(schedule|plan) (my|the) {biller} bill payment (for|on) the {day}",
        "(pay|settle) all my (pending|due) bills",
    ),
    done=("paid the {biller} bill", "set up autopay for {biller}"),
    topics=("the {biller} bill", "paying the {biller} bill", "my pending bills"),
)
