"""From a case to a plan: ``formulate`` shapes it, ``solve`` finds it, ``bill`` charges it exactly."""
