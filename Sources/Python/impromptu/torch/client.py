"""placeholder"""
class TorchClient: pass
