"""What a person's act sets off: a payload goes to the app, the answer comes back to the screen.

Each function returns once the answer's effect on the workspace is visible. If the app did not take the payload in
time, the person gets a toast with Slack's words and the function raises `Undelivered`.
"""
