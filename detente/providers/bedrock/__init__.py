"""Amazon Bedrock's wire. See ``docs/providers/bedrock.md``.

Owns: Converse, InvokeModel for embeddings, AWS's authorization and its event streams, each in its own file. Not here:
OpenAI's own wire, which Bedrock also offers (``openai_compatible``).
"""

from detente.providers.bedrock.wire import BedrockWire

__all__ = ["BedrockWire"]
