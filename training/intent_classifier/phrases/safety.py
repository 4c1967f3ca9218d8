"""Standing and safety: credit score, fraud, KYC; and all that the assistant does not do."""

from training.intent_classifier.phrases.grammar import Intent

CREDIT_SCORE = Intent(
    patterns=(
        "(what is|show|check|tell me) my (cibil|credit|experian) score",
        "(how do i|how can i|help me) (improve|increase|raise) my (cibil|credit) score",
        "why (did|has) my (cibil|credit) score (drop|dropped|fall|fallen|gone down)",
        "(download|get|show) my (cibil|credit) report (|for {month})",
        "is {score} a (good|bad|decent) (cibil|credit) score",
        "(does|will) a late emi (hurt|lower|affect) my (cibil|credit) score",
        "(what|which things) (affects|affect|hurt|lower) (my|the) (cibil|credit) score",
        "mera (cibil|credit) score (kitna hai|kya hai|batao)",
        "(cibil|credit) score (kaise badhaye|kyu gira|kaise improve kare|check karo)",
        "my (cibil|credit) score is {score} , how (do i|can i) (improve|raise|fix) it",
        "there is (an error|a mistake|a wrong loan) in my (cibil|credit) report",
        "(has|did) my (cibil|credit) score (improved|gone up|increase|change) {period}",
        "(cibil|credit) score (|check|report)",
        "(will|does) closing my {loan} (raise|improve|lower) my (cibil|credit) score",
        "how (far|many points) is my (cibil|credit) score from {score}",
    ),
    done=("checked my cibil score", "downloaded my credit report"),
    topics=("my cibil score", "the credit report", "my credit score"),
)

REPORT_FRAUD = Intent(
    patterns=(
        "i did not (make|do|authorise) (this|the) "
        "(payment|transaction) of {amount} (|to {merchant})",
        "(someone|somebody) (stole|took|withdrew) {amount} from my (account|{bank} account)",
        "{amount} was (debited|deducted|taken) (without my permission|that i did not make)",
        "(there is|i see) (a fraud|an unauthorised|a suspicious) (transaction|payment) of {amount}",
        "(report|dispute) (a|the) (fraudulent|unauthorised|suspicious) (payment|transaction|upi)",
        "i (shared|gave) (my otp|the otp|my pin) (by mistake|with a caller) , (help|what do i do)",
        "(i was|i have been|i got) (cheated|scammed|defrauded) of {amount} (|on upi|by a caller)",
        "my (card|account|upi) (was|has been|is) (hacked|misused|cloned)",
        "i do not (recognise|know|remember) (this|the|any) {amount} (debit|payment|charge)",
        "(block|freeze) my (card|account|upi) , (someone is misusing it|i was scammed|fraud)",
        "mere account se bina (pooche|bataye) {amount} (kat gaye|nikal gaye)",
        "mere saath (fraud|scam|dhokha) (hua hai|ho gaya)",
        "(kisi ne|someone) mera (card|account|upi) (hack|misuse) kar liya",
        "(raise|file|lodge) a (fraud|cyber crime) complaint (|for {amount}|against {merchant})",
        "a (caller|person) claiming to be from {bank} (took|stole) (my money|{amount})",
        "(is this|i think this is) a (fraud|scam) , {amount} (went|was debited) to {merchant}",
    ),
    done=("reported the fraud", "lodged the fraud complaint"),
    topics=("the fraud complaint", "the unauthorised payment", "the scam call"),
)

KYC_UPDATE = Intent(
    patterns=(
        "(update|complete|finish|redo) my kyc",
        "(how do i|i want to|help me) (update|complete|do) (my|) kyc (|for my {bank} account)",
        "(link|connect) my {document} (to|with) my (account|{bank} account|folio)",
        "(change|update|correct) my (address|mobile number|email|name|nominee) (|in the records)",
        "(is my kyc|has my kyc been) (complete|done|verified|expired)",
        "(what|which) documents (are needed|do i need) for kyc",
        "(upload|submit) my {document} (for kyc|for verification|to {bank})",
        "my kyc (is pending|was rejected|has expired|failed) , what (do i do|should i do)",
        "(how do i|i need to) (change|update) (the|my) (phone number|mobile number|address)",
        "(kyc|re kyc) (kaise kare|karna hai|update karo|pending kyu hai)",
        "{document} (link|update) (kaise kare|karna hai|karo)",
        "mera (address|mobile number|naam) (badalna hai|change karo|update karo)",
        "(do|schedule) (a|my) video kyc (|on the {day}|for {bank})",
        "(add|change) (a|my) nominee (in|for) my (account|{product})",
        "(kyc|video kyc) (status|update)",
        "why is {bank} asking for my {document} (again|for kyc)",
    ),
    done=("updated my kyc", "linked my {document}"),
    topics=("the kyc update", "my {document} link", "my kyc"),
)
