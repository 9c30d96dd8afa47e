"""Addresses of what a seller's videos came to."""

FUNNEL = "/seller/analytics"
COHORTS = "/seller/analytics/cohorts"
COHORTS_EXPORT = "/v1/seller/analytics/cohorts/export"
EXPORT = "/v1/seller/analytics/funnel/export"
