"""The processes of a gateway: who starts them, what each keeps doing, the folder that they share."""
