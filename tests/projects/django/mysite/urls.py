from django.urls import path

from pages import views

urlpatterns = [path("", views.index), path("report", views.report), path("visits", views.visits)]
