"""What a plan costs: its components, and the one engine that turns them into amounts. Pure; knows no tables."""
