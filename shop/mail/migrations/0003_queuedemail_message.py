from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import migrations, models


def build_messages(apps: Any, schema_editor: Any) -> None:
    """Turn the texts of the emails that still wait into messages."""
    queued = apps.get_model("mail", "QueuedEmail").objects.using(schema_editor.connection.alias)
    for email in queued.iterator():
        subject = " ".join(email.subject.split())
        message = EmailMultiAlternatives(subject, email.text, to=[email.to])
        if email.html:
            message.attach_alternative(email.html, "text/html")
        email.message, email.from_email = message.message().as_bytes(), message.from_email
        email.save(update_fields=["message", "from_email"])


class Migration(migrations.Migration):
    dependencies = [("mail", "0002_rename_mail_queuedemail")]

    operations = [
        migrations.AlterField("queuedemail", "to", models.TextField(verbose_name="to")),
        migrations.AddField(
            "queuedemail", "message", models.BinaryField(default=b""), preserve_default=False
        ),
        migrations.AddField(
            "queuedemail",
            "from_email",
            models.TextField(default=settings.DEFAULT_FROM_EMAIL),
            preserve_default=False,
        ),
        migrations.RunPython(build_messages, migrations.RunPython.noop),
        migrations.RemoveField("queuedemail", "text"),
        migrations.RemoveField("queuedemail", "html"),
    ]
