def enable_custom_widget_manager() -> None:
    """Colab loads its own manager for third-party widgets; there is nothing to load here."""
