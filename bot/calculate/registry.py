"""All calculations by name, and which entries of the bank point to which."""

from __future__ import annotations

from bot.calculate import (
    annual_leave,
    deadlines,
    double_wage,
    injury,
    injury_death,
    maternity,
    notice,
    overtime,
    probation,
    retirement,
    severance,
    sick_leave,
    unemployment,
    wage_arrears,
)
from bot.calculate.values import Calculation

CALCULATIONS: dict[str, Calculation] = {
    module.CALCULATION.name: module.CALCULATION
    for module in (
        severance,
        double_wage,
        overtime,
        annual_leave,
        probation,
        notice,
        wage_arrears,
        sick_leave,
        injury,
        injury_death,
        unemployment,
        maternity,
        retirement,
        deadlines,
    )
}
NEEDS_TODAY = frozenset({"annual-leave", "deadlines", "double-wage", "severance"})
"""Calculations whose function is told the day of asking as `today`."""
