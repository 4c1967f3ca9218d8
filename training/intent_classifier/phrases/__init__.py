"""The corpus of sentence patterns that the generator draws from."""

from training.intent_classifier.phrases import elsewhere, growth, loans, money, safety
from training.intent_classifier.phrases.grammar import Intent

INTENTS: dict[str, Intent] = {
    "loan_affordability": loans.LOAN_AFFORDABILITY,
    "loan_status": loans.LOAN_STATUS,
    "emi_due_date": loans.EMI_DUE_DATE,
    "emi_calculation": loans.EMI_CALCULATION,
    "loan_prepayment": loans.LOAN_PREPAYMENT,
    "spending_analysis": money.SPENDING_ANALYSIS,
    "budget_setup": money.BUDGET_SETUP,
    "account_balance": money.ACCOUNT_BALANCE,
    "transaction_history": money.TRANSACTION_HISTORY,
    "fund_transfer": money.FUND_TRANSFER,
    "bill_payment": money.BILL_PAYMENT,
    "retirement_planning": growth.RETIREMENT_PLANNING,
    "start_investment": growth.START_INVESTMENT,
    "withdraw_investment": growth.WITHDRAW_INVESTMENT,
    "investment_performance": growth.INVESTMENT_PERFORMANCE,
    "tax_saving": growth.TAX_SAVING,
    "tax_filing": growth.TAX_FILING,
    "credit_score": safety.CREDIT_SCORE,
    "report_fraud": safety.REPORT_FRAUD,
    "kyc_update": safety.KYC_UPDATE,
    "out_of_scope": elsewhere.OUT_OF_SCOPE,
}
