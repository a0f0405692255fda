"""Django wants a module of URLs; django-bolt's routes are its own."""

urlpatterns: list[object] = []
