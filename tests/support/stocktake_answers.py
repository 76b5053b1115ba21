"""What tests read of the answers of stocktakes."""

STOCKTAKE = """
  id state blind zones { name products people { name } } openedBy { name } closedBy { name }
  unsyncedTills { name } progress { products counted uncounted ambiguous } movements { kind reason }
  summary { counted differing gains losses accuracy gainValue lossValue }
  lines {
    id state product { id name } expected counted variance value seq ambiguous blocker reason
    suggestedReason evidence narrowedBy batchNote
    interval { low high } reserved quarantined incoming
    movedDuring { quantity seq } lateMovements { quantity movement { kind } }
    batches { batch { number } expected counted variance }
    counts { zone quantity batchNo expiresOn seq beganSeq countedBy { name } replacedBy { name } }
  }
"""


def stocktake_answers(problem: str, short: str) -> dict[str, str]:
    """What to select of each answer; the arguments select problems and shortages."""
    on_stocktake = f"""
      ... on Stocktake {{ {STOCKTAKE} }}
      {problem} ... on WrongState {{ wrong: reason documentId }} ... on KeyReused {{ key }}
    """
    return {
        **dict.fromkeys(("reviewStocktake", "cancelStocktake"), on_stocktake),
        **dict.fromkeys(("explainVariance", "confirmCount"), on_stocktake),
        "openStocktake": f"{on_stocktake} ... on UnknownProduct {{ products: asked }}",
        **dict.fromkeys(
            ("count", "recount"),
            f"{on_stocktake} ... on UnknownProduct {{ products: asked }} "
            "... on UnknownBatch { number } ... on UnknownStocktake { asked }",
        ),
        "closeStocktake": f"{on_stocktake} {short} "
        "... on StocktakeBlocked { blocked: lines { lineId product { name } blocker } }",
        "reverseStocktake": f"{on_stocktake} {short}",
        "setZones": f"... on Store {{ zones }} {problem}",
        "setStocktakeRules": "... on StocktakeRules { recountValue recountPercent reasonValue } "
        f"{problem}",
    }
