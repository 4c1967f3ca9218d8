"""Loans: whether one can have it, what it costs, where it stands, when it is due, ending it."""

from training.intent_classifier.phrases.grammar import Intent

LOAN_AFFORDABILITY = Intent(
    patterns=(
        "can i (afford|manage|handle) a {loan} of {amount}",
        "(could|would) i be able to (afford|take|manage) a {amount} {loan}",
        "can i (take|get|afford) a {amount} {loan} (on|with) a {salary} salary",
        "am i (eligible|qualified) for a {loan} of {amount}",
        "do i (qualify|have enough income|earn enough) for a {amount} {loan} (|from {bank})",
        "how (big|large|much) a {loan} can i (afford|get|take) on {salary} per month",
        "what is the (maximum|highest|biggest) {loan} i can (get|afford|manage)",
        "is {amount} {loan} (affordable|too much|within reach) for (me|us) at {salary} a month",
        "will {bank} (give|approve) me a {amount} {loan} on my (salary|income)",
        "(check|tell me) if i can afford the emi of a {amount} {loan}",
        "is a cibil score of {score} (enough|sufficient|too low) to (get|take) a {loan}",
        "my salary is {salary} , (can i|should i) (take|afford) a {amount} {loan}",
        "mere liye {amount} ka {loan} (affordable hai kya|theek rahega kya|zyada to nahi)",
        "kya main {amount} ka {loan} (le sakta hoon|afford kar sakta hoon|le sakti hoon)",
        "{salary} salary pe kitna {loan} (mil sakta hai|milega|le sakta hoon)",
        "what {loan} (eligibility|amount can i get) with an income of {salary}",
        "(check|show) my {loan} eligibility (|for {amount})",
        "would a {amount} {loan} (stretch|strain|fit) my (budget|income)",
    ),
    done=("checked my loan eligibility", "worked out which loan i can afford"),
    topics=("my loan eligibility", "whether i can afford the loan", "how big a loan i can get"),
)

LOAN_STATUS = Intent(
    patterns=(
        "(what is|tell me|show|check) the status of my {loan} application",
        "has my {loan} (application|request) been (approved|sanctioned|rejected)",
        "is my {loan} (approved|sanctioned|cleared|passed|through) (yet|or not|now)",
        "(have they|has {bank}) (approved|sanctioned|cleared|processed|passed) my {loan} (yet|)",
        "i applied for a {loan} (last week|on the {day}|at {bank}) , "
        "(any update|what is the status)",
        "when will my {loan} (be disbursed|get approved|be sanctioned|money come)",
        "(where is|what happened to) my {loan} (application|request|file)",
        "(track|check) my {loan} application (|with {bank})",
        "why is my {loan} (application|request) (still pending|delayed|stuck|taking so long)",
        "did {bank} (approve|sanction|reject|process) my {loan} (|application)",
        "any (news|update|progress) on my {amount} {loan} (application|request)",
        "mera {loan} (approve|sanction|pass) (hua kya|hua ya nahi|kab hoga)",
        "{loan} ke application ka (status kya hai|kya hua|update do)",
        "(has|is) the {amount} {loan} i applied for (been disbursed|still under review|approved)",
        "my {loan} (application|request) is pending since {day} , what is (happening|the status)",
        "{loan} (application|request) status",
        "how long before {bank} decides on my {loan} (application|request)",
    ),
    done=("tracked my loan application", "seen that my loan is sanctioned"),
    topics=("my loan application status", "the loan approval", "the pending loan application"),
)

EMI_DUE_DATE = Intent(
    patterns=(
        "when is (my|the) {loan} emi due",
        "when is the next emi (due|date) (for|of) my {loan}",
        "(what is|tell me) the due date (of|for) my {loan} emi",
        "on (which|what) date (will|does) my {loan} emi get (debited|deducted|cut)",
        "when (will|does) {bank} (debit|deduct|cut) (my|the) emi",
        "which day is the {loan} (emi|instalment) (due|debited|deducted)",
        "is (my|any) emi due (this week|on the {day}|tomorrow|in {month})",
        "how many days (are left|remain) (for|until|before) my next {loan} emi",
        "when do i (have to|need to|must) pay the {loan} (emi|instalment)",
        "next (emi|instalment) date (for|of) my {bank} {loan}",
        "meri {loan} ki emi kab (hai|kategi|due hai|jayegi)",
        "agli emi ki (date kya hai|tareekh batao|due date kab hai)",
        "emi due date (|batao|please)",
        "by when (should|must) i pay (my|the) {loan} emi (|in {month})",
        "(remind|tell) me when my next {loan} (emi|instalment) is due",
        "did the due date of my {loan} emi (change|move)",
    ),
    done=("noted when the emi is due", "seen the date of my next emi"),
    topics=("the emi due date", "when my next emi is due", "the date of my instalment"),
)

EMI_CALCULATION = Intent(
    patterns=(
        "(calculate|compute|work out) (the|my) emi (for|on) a {amount} {loan}",
        "(what will|how much will) the emi be (for|on) {amount} (for|over) {tenure}",
        "(what|how much) is the emi (for|on) a {amount} {loan} at {percent}",
        "emi (calculation|calculator) for a {loan} of {amount}",
        "how much (would|will) i pay (every month|monthly) (on|for) a {amount} {loan}",
        "what (monthly instalment|emi) (comes|works out) for {amount} at {percent} for {tenure}",
        "{amount} {loan} for {tenure} , (what is the emi|calculate emi|how much emi)",
        "if i (borrow|take) {amount} for {tenure} what (will|would) the emi be",
        "{amount} ke {loan} ki emi kitni (hogi|banegi|aayegi|padegi|bharni hogi)",
        "{tenure} ke liye {amount} pe emi (kitni hogi|calculate karo|nikalo)",
        "(how does|how will) the emi change if the rate (goes|moves) to {percent}",
        "total interest (on|for) a {amount} {loan} (for|over) {tenure} at {percent}",
        "(compare|show) the emi for {tenure} and {tenure} on {amount}",
        "(estimate|calculate) the monthly instalment of a {amount} {loan} over {tenure}",
        "emi on {amount} at {percent} for {tenure}",
    ),
    done=("calculated the emi", "worked out the monthly instalment"),
    topics=("the emi calculation", "how much the emi would be", "the emi calculator"),
)

LOAN_PREPAYMENT = Intent(
    patterns=(
        "(how can i|i want to|can i) prepay (my|the) {loan}",
        "(can i|i want to|how do i) (foreclose|close early|preclose) my {loan}",
        "what are the (foreclosure|prepayment|preclosure) charges (on|for) my {loan}",
        "should i (prepay|part pay|foreclose) my {loan} (with my bonus|with {amount}|early)",
        "(make|do) a part payment of {amount} (on|towards) my {loan}",
        "i have {amount} extra , (should i|can i) (prepay|foreclose|close) my {loan}",
        "how much (interest|money) (do|will|would) i save if i prepay {amount} of my {loan}",
        "(close|finish|clear) my {loan} before (time|the tenure ends|{month})",
        "is there a (penalty|charge|fee) for (closing|prepaying|foreclosing) my {loan} early",
        "{loan} ka (prepayment|part payment|foreclosure) (kaise kare|karna hai|kar sakte hain)",
        "mujhe apna {loan} jaldi (band|close|khatam) karna hai",
        "what is the outstanding if i (foreclose|preclose|prepay) my {loan} (now|in {month})",
        "pay off my {bank} {loan} (early|ahead of time|before {tenure})",
        "(prepay|part pay) {amount} of my {loan} and (lower|reduce) the (tenure|emi)",
    ),
    done=("prepaid a part of my loan", "foreclosed the loan"),
    topics=("prepaying my loan", "the foreclosure charges", "closing the loan early"),
)
